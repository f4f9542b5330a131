// Starts a program with arguments and variables of any bytes. Node's own spawn() writes them as UTF-8, which
// changes other bytes.

import { koffi } from './koffi.js';
import { HwlocError } from './errors.js';
import { errnoName, invoke } from './errno.js';
import { native } from './native.js';

// The same in glibc and musl, on all machines that Linux runs on: spawn.h, fcntl.h, wait.h.
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const O_RDONLY = 0;
const F_SETFD = 2;
const FD_CLOEXEC = 1;
const WNOHANG = 1;
/** Larger than posix_spawnattr_t, posix_spawn_file_actions_t and sigset_t in any C library. */
const structBytes = 1024;

/** What to start. */
export interface Program {
  /** A path, or a name that is searched for in this process's PATH. */
  readonly file: Uint8Array;
  /** Its arguments. The first is its own name. */
  readonly words: readonly Uint8Array[];
  /** Its variables, as `NAME=value`. */
  readonly variables: readonly Uint8Array[];
  /** Whether it reads the standard input of this process; otherwise its standard input is empty. */
  readonly readsStdin: boolean;
  /** Open files of this process that become its standard output and standard error; default: those of this process. */
  readonly output: { readonly stdout: number; readonly stderr: number } | undefined;
  /** Open files, other than the standard three, that it gets under the same numbers. */
  readonly inherited: readonly number[];
}

/**
 * Starts a program with default handling of all signals, as Node's spawn() does.
 *
 * @returns its pid. The caller must wait for its end with {@link endOf}.
 * @throws HwlocError  `ENOENT`, `EACCES`, `E2BIG`, `ENOEXEC`, …: of execve(2); `EAGAIN`: of fork(2).
 * @see posix_spawnp(3)
 */
export function spawnExactly({ file, words, variables, readsStdin, output, inherited }: Program): number {
  const memory = new Strings([file], words, variables);
  const [actions, attributes, signals] = [struct(), struct(), struct()];
  native('posix_spawn_file_actions_init')(actions);
  native('posix_spawnattr_init')(attributes);
  try {
    if (!readsStdin) native('posix_spawn_file_actions_addopen')(actions, 0, '/dev/null', O_RDONLY, 0);
    if (output !== undefined) {
      native('posix_spawn_file_actions_adddup2')(actions, output.stdout, 1);
      native('posix_spawn_file_actions_adddup2')(actions, output.stderr, 2);
    }
    native('sigemptyset')(signals);
    native('posix_spawnattr_setsigmask')(attributes, signals);
    native('sigfillset')(signals);
    native('posix_spawnattr_setsigdefault')(attributes, signals);
    native('posix_spawnattr_setflags')(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    const [name, argv, envp] = [memory.list(0).first, memory.list(1).address, memory.list(2).address];
    const pid = [0];
    // Node marks all open files as close-on-exec, even the standard three.
    const passed = [0, 1, 2, ...inherited];
    for (const fd of passed) native('fcntlOfInt')(fd, F_SETFD, 0);
    const errno = Number(native('posix_spawnp')(pid, name, actions, attributes, argv, envp));
    for (const fd of passed) native('fcntlOfInt')(fd, F_SETFD, FD_CLOEXEC);
    if (errno !== 0) throw new HwlocError('posix_spawnp', errnoName(errno));
    return pid[0] ?? 0;
  } finally {
    native('posix_spawn_file_actions_destroy')(actions);
    native('posix_spawnattr_destroy')(attributes);
    memory.free();
  }
}

/** How a process ended. */
export interface ProcessEnd {
  /** Its exit status; undefined if a signal ended it. */
  readonly status: number | undefined;
  /** The number of the signal that ended it. */
  readonly signal: number | undefined;
}

/**
 * How a process that {@link spawnExactly} started has ended; undefined as long as it runs. Call this until it
 * returns a result, and not again.
 *
 * @see waitpid(2), WNOHANG
 */
export function endOf(pid: number): ProcessEnd | undefined {
  const status = [0];
  if (invoke('waitpid', () => native('waitpid')(pid, status, WNOHANG)) === 0) return undefined;
  const word = status[0] ?? 0;
  // WIFSIGNALED, WTERMSIG, WEXITSTATUS
  const signal = word & 0x7f;
  return signal === 0 ? { status: (word >> 8) & 0xff, signal: undefined } : { status: undefined, signal };
}

function struct(): Uint8Array {
  return new Uint8Array(structBytes);
}

/** Lists of C strings in native memory, each ended by a null pointer. */
class Strings {
  readonly #block: bigint;
  readonly #lists: { first: bigint; address: bigint }[] = [];

  constructor(...lists: readonly (readonly Uint8Array[])[]) {
    const pointers = lists.reduce((sum, list) => sum + list.length + 1, 0);
    const bytes = lists.flat().reduce((sum, each) => sum + each.length + 1, 8 * pointers);
    this.#block = koffi.alloc('uint8_t', bytes) as bigint;
    const memory = new Uint8Array(koffi.view(this.#block, bytes)).fill(0);
    const table = new BigUint64Array(memory.buffer, memory.byteOffset, pointers);
    let [slot, at] = [0, 8 * pointers];
    for (const list of lists) {
      this.#lists.push({ first: this.#block + BigInt(at), address: this.#block + BigInt(8 * slot) });
      for (const each of list) {
        memory.set(each, at);
        table[slot++] = this.#block + BigInt(at);
        at += each.length + 1;
      }
      slot++;
    }
  }

  /** The addresses of a list and of its first string. */
  list(index: number): { readonly first: bigint; readonly address: bigint } {
    return this.#lists[index] ?? { first: 0n, address: 0n };
  }

  free(): void {
    koffi.free(this.#block);
  }
}
