// Binds processes and threads to CPUs and to memory.

import { check, checkOptions, oneOf } from '../../check/index.js';
import { checkCpus, checkSet } from '../arguments.js';
import { CpuSet, NodeSet } from '../bitmap/bitmap.js';
import {
  type BindingOptions,
  MEMBIND_BYNODESET,
  type SetCpuBindingOptions,
  type SetMemoryBindingOptions,
  bindingChecks,
  bitsFor,
  cpuBindingFlags,
  memoryBindingFlags,
  requireCpuBinding,
  requireMemoryBinding,
  setCpuBindingChecks,
  setMemoryBindingChecks,
} from '../binding/flags.js';
import { bitsOfBitmap, withBitmap } from '../ffi/bitmaps.js';
import { invoke } from '../../libc/index.js';
import { libhwloc } from '../ffi/library.js';
import { pointerOf } from './handle.js';
import { TopologyHardware } from './hardware.js';
import type { MemoryBindingSupport } from './support.js';

/** hwloc_membind_policy_t, by number. */
const policyNumbers = {
  default: 0,
  firstTouch: 1,
  bind: 2,
  interleave: 3,
  nextTouch: 4,
  weightedInterleave: 5,
} as const;

/**
 * Where new memory comes from:
 *
 * - `default`: as the system decides
 * - `firstTouch`: the node of the thread that touches it first
 * - `bind`: the nodes bound to
 * - `interleave`: these nodes in turn
 * - `weightedInterleave`: in turn by weight (hwloc 2.11 and later)
 * - `nextTouch`: the node of the thread that touches it next
 */
export type MemoryBindingPolicy = keyof typeof policyNumbers;

const policyCheck = oneOf(Object.keys(policyNumbers));

/** The memory binding in force. */
export interface MemoryBinding {
  readonly nodeset: NodeSet;
  /** `mixed`: threads differ, or it is unknown. */
  readonly policy: MemoryBindingPolicy | 'mixed';
}

const advice = {
  EXDEV: 'the system cannot bind exactly to this set, or threads differ',
  EAGAIN: 'threads differ, or come and go',
  EINVAL: 'the set is empty, or not inside that of the topology',
  ENOSYS: 'this system cannot do it',
  EPERM: 'permission denied',
  ESRCH: 'there is no such process',
};

/**
 * The part of a topology that binds. An operation that the system does not support throws
 * {@link NotSupportedError} before it is tried.
 */
export class TopologyBinding extends TopologyHardware {
  /**
   * Binds to CPUs. On Linux, threads that are started later inherit the binding.
   *
   * @throws NotSupportedError
   * @throws HwlocError  `EINVAL`: the set is empty or outside of the machine. `EXDEV`: with `strict`.
   *   `EPERM`, `ESRCH`: about `pid`.
   * @see hwloc_set_cpubind(), hwloc_set_proc_cpubind()
   */
  setCpuBinding(set: CpuSet, options: SetCpuBindingOptions = {}): void {
    checkCpus(set);
    checkOptions('topology.setCpuBinding', options, setCpuBindingChecks);
    const bits = {
      thisProcess: 'setThisProcess',
      thisThread: 'setThisThread',
      process: 'setProcess',
    } as const;
    requireCpuBinding(this, bitsFor(options, bits));
    const { pid } = options;
    const name = pid === undefined ? 'hwloc_set_cpubind' : 'hwloc_set_proc_cpubind';
    const who = pid === undefined ? [] : [pid];
    withBitmap(set, (bitmap) =>
      invoke(
        name,
        () => libhwloc().native(name)(pointerOf(this), ...who, bitmap, cpuBindingFlags(options)),
        advice,
      ),
    );
  }

  /**
   * The CPUs to which the process or thread is bound: all CPUs, if it is not bound.
   *
   * @throws NotSupportedError
   * @throws HwlocError  `EXDEV` or `EAGAIN`: with `strict`, threads differ. `EPERM`, `ESRCH`: about `pid`.
   * @see hwloc_get_cpubind(), hwloc_get_proc_cpubind()
   */
  getCpuBinding(options: BindingOptions = {}): CpuSet {
    checkOptions('topology.getCpuBinding', options, bindingChecks);
    const bits = {
      thisProcess: 'getThisProcess',
      thisThread: 'getThisThread',
      process: 'getProcess',
    } as const;
    requireCpuBinding(this, bitsFor(options, bits));
    const name = options.pid === undefined ? 'hwloc_get_cpubind' : 'hwloc_get_proc_cpubind';
    return this.#askCpus(name, options);
  }

  /**
   * The CPUs where the process or thread ran last. It may have moved by the time the call returns.
   *
   * @throws NotSupportedError
   * @throws HwlocError  `EPERM`, `ESRCH`: about `pid`.
   * @see hwloc_get_last_cpu_location(), hwloc_get_proc_last_cpu_location()
   */
  lastCpuLocation(options: BindingOptions = {}): CpuSet {
    checkOptions('topology.lastCpuLocation', options, bindingChecks);
    const bits = {
      thisProcess: 'getThisProcessLastLocation',
      thisThread: 'getThisThreadLastLocation',
      process: 'getProcessLastLocation',
    } as const;
    requireCpuBinding(this, bitsFor(options, bits));
    const name =
      options.pid === undefined ? 'hwloc_get_last_cpu_location' : 'hwloc_get_proc_last_cpu_location';
    return this.#askCpus(name, options);
  }

  /**
   * Sets which nodes new memory comes from. Pass nodes rather than CPUs, since a node may have no CPUs.
   *
   * @throws NotSupportedError  also for a policy that the system does not have
   * @throws HwlocError  `EINVAL`: the set is empty or outside of the machine. `EXDEV`: with `strict`.
   *   `EPERM`, `ESRCH`: about `pid`.
   * @see hwloc_set_membind(), hwloc_set_proc_membind()
   */
  setMemoryBinding(
    set: NodeSet | CpuSet,
    policy: MemoryBindingPolicy = 'bind',
    options: SetMemoryBindingOptions = {},
  ): void {
    checkSet(set);
    check('policy', policy, policyCheck);
    checkOptions('topology.setMemoryBinding', options, setMemoryBindingChecks);
    const bits = {
      thisProcess: 'setThisProcess',
      thisThread: 'setThisThread',
      process: 'setProcess',
    } as const;
    requireMemoryBinding(this, bitsFor<keyof MemoryBindingSupport>(options, bits));
    if (policy !== 'default') requireMemoryBinding(this, [policy]);
    const { pid } = options;
    const name = pid === undefined ? 'hwloc_set_membind' : 'hwloc_set_proc_membind';
    const who = pid === undefined ? [] : [pid];
    const flags = memoryBindingFlags(options) | (set instanceof NodeSet ? MEMBIND_BYNODESET : 0);
    withBitmap(set, (bitmap) =>
      invoke(
        name,
        () => libhwloc().native(name)(pointerOf(this), ...who, bitmap, policyNumbers[policy], flags),
        advice,
      ),
    );
  }

  /**
   * Where memory comes from that is allocated from now on.
   *
   * @throws NotSupportedError
   * @throws HwlocError  `EXDEV` or `EAGAIN`: with `strict`, threads differ. `EPERM`, `ESRCH`: about `pid`.
   * @see hwloc_get_membind(), hwloc_get_proc_membind()
   */
  getMemoryBinding(options: BindingOptions = {}): MemoryBinding {
    checkOptions('topology.getMemoryBinding', options, bindingChecks);
    const bits = {
      thisProcess: 'getThisProcess',
      thisThread: 'getThisThread',
      process: 'getProcess',
    } as const;
    requireMemoryBinding(this, bitsFor<keyof MemoryBindingSupport>(options, bits));
    const { pid } = options;
    const name = pid === undefined ? 'hwloc_get_membind' : 'hwloc_get_proc_membind';
    const who = pid === undefined ? [] : [pid];
    const flags = memoryBindingFlags(options) | MEMBIND_BYNODESET;
    const policy = [0];
    const nodeset = withBitmap(undefined, (bitmap) => {
      invoke(name, () => libhwloc().native(name)(pointerOf(this), ...who, bitmap, policy, flags), advice);
      return new NodeSet(bitsOfBitmap(bitmap));
    });
    const known = Object.entries(policyNumbers).find(([, number]) => number === policy[0]);
    return { nodeset, policy: (known?.[0] as MemoryBindingPolicy | undefined) ?? 'mixed' };
  }

  #askCpus(
    name:
      | 'hwloc_get_cpubind'
      | 'hwloc_get_proc_cpubind'
      | 'hwloc_get_last_cpu_location'
      | 'hwloc_get_proc_last_cpu_location',
    options: BindingOptions,
  ): CpuSet {
    const who = options.pid === undefined ? [] : [options.pid];
    return withBitmap(undefined, (bitmap) => {
      invoke(
        name,
        () => libhwloc().native(name)(pointerOf(this), ...who, bitmap, cpuBindingFlags(options)),
        advice,
      );
      return new CpuSet(bitsOfBitmap(bitmap));
    });
  }
}
