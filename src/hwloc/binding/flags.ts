// Translates binding options into hwloc's flags, and says which support bits they need.

import { flag, oneOf, wholeWithin } from '../../check/index.js';
import { NotSupportedError } from '../errors.js';
import type { CpuBindingSupport, MemoryBindingSupport, Support } from '../topology/support.js';

/** What to bind or query, and how strictly. */
export interface BindingOptions {
  /**
   * The pid of another process. With `target: 'thread'`, on Linux only: the tid of a thread. Default: this process.
   */
  readonly pid?: number;
  /**
   * `process`: all threads; `thread`: the calling thread (in Node: the main thread or a worker, not the threads of
   * the pool). Default: the process if the system can do that, otherwise the thread.
   */
  readonly target?: 'process' | 'thread';
  /** Fail if the system would not follow the binding exactly; for a query: if threads differ. */
  readonly strict?: boolean;
}

/** What to bind to CPUs, and how strictly. @see hwloc_cpubind_flags_t */
export interface SetCpuBindingOptions extends BindingOptions {
  /** Fail rather than bind memory as well, on systems where both go together. */
  readonly noMemoryBinding?: boolean;
}

/** What to bind to memory, and how strictly. @see hwloc_membind_flags_t */
export interface SetMemoryBindingOptions extends BindingOptions {
  /** Also move memory that was allocated before. */
  readonly migrate?: boolean;
  /** Fail rather than bind to CPUs as well, on systems where both go together. */
  readonly noCpuBinding?: boolean;
}

/** {@link BindingOptions}. */
export const bindingChecks = {
  pid: wholeWithin(1, 2 ** 31 - 1),
  target: oneOf(['process', 'thread']),
  strict: flag,
};

/** {@link SetCpuBindingOptions}. */
export const setCpuBindingChecks = { ...bindingChecks, noMemoryBinding: flag };
/** {@link SetMemoryBindingOptions}. */
export const setMemoryBindingChecks = { ...bindingChecks, migrate: flag, noCpuBinding: flag };

// PROCESS, THREAD and STRICT are the same in hwloc_cpubind_flags_t and hwloc_membind_flags_t.
const PROCESS = 1 << 0;
const THREAD = 1 << 1;
const STRICT = 1 << 2;
const CPUBIND_NOMEMBIND = 1 << 3;
const MEMBIND_MIGRATE = 1 << 3;
const MEMBIND_NOCPUBIND = 1 << 4;

/** The set contains nodes, not CPUs. */
export const MEMBIND_BYNODESET = 1 << 5;

export function cpuBindingFlags(options: SetCpuBindingOptions): number {
  return commonFlags(options) | (options.noMemoryBinding === true ? CPUBIND_NOMEMBIND : 0);
}

export function memoryBindingFlags(options: SetMemoryBindingOptions): number {
  return (
    commonFlags(options) |
    (options.migrate === true ? MEMBIND_MIGRATE : 0) |
    (options.noCpuBinding === true ? MEMBIND_NOCPUBIND : 0)
  );
}

function commonFlags({ target, strict }: BindingOptions): number {
  return (target === 'process' ? PROCESS : target === 'thread' ? THREAD : 0) | (strict === true ? STRICT : 0);
}

/** Names of support bits. At least one of them must be set. */
type Bits<Struct> = readonly (keyof Struct)[];

/** Chooses among the three support bits of a function: for this process, this thread, another process. */
export function bitsFor<Bit>(
  { pid, target }: BindingOptions,
  bits: { readonly thisProcess: Bit; readonly thisThread: Bit; readonly process: Bit },
): readonly Bit[] {
  if (pid !== undefined) return [bits.process];
  if (target === 'process') return [bits.thisProcess];
  if (target === 'thread') return [bits.thisThread];
  return [bits.thisProcess, bits.thisThread];
}

/** A topology that says whether it can bind. */
interface Binder {
  readonly support: Support;
  readonly isThisSystem: boolean;
}

/** @throws NotSupportedError  none of the bits is set */
export function requireCpuBinding(topology: Binder, bits: Bits<CpuBindingSupport>): void {
  if (!bits.some((bit) => topology.support.cpubind[bit])) refuse(topology, 'cpubind', bits);
}

/** @throws NotSupportedError  none of the bits is set */
export function requireMemoryBinding(topology: Binder, bits: Bits<MemoryBindingSupport>): void {
  if (!bits.some((bit) => topology.support.membind[bit])) refuse(topology, 'membind', bits);
}

function refuse({ isThisSystem }: Binder, struct: string, bits: readonly string[]): never {
  throw new NotSupportedError(
    bits.map((bit) => `${struct}.${bit}`).join(' or '),
    isThisSystem
      ? 'not supported on this system'
      : 'the topology is not known to describe this machine; if it does, set HWLOC_THISSYSTEM=1, or load it with isThisSystem',
  );
}
