// Threads: the name and number of this thread, and C functions on threads of their own.

import { readlinkSync } from 'node:fs';
import { native } from './native.js';

// From the kernel: importing node:worker_threads for this takes some milliseconds.
/** This thread's name, `PID/task/TID`. No other living thread has it. Empty if /proc is not mounted. */
export const threadName: string = ownName();

const [pid, , tid] = threadName.split('/');

/** This thread's number in the kernel. 0 if /proc is not mounted. */
export const threadId = Number(tid ?? 0);

/** Whether this is the thread that Node started with, and not a worker thread. */
export const isMainThread = pid === tid;

function ownName(): string {
  try {
    return readlinkSync('/proc/thread-self');
  } catch {
    return '';
  }
}

/**
 * The default of a main thread: plugins of hwloc may rely on that much. (Only the part in use takes memory.)
 */
const stackBytes = 8 << 20;

/** Larger than pthread_attr_t in any C library. */
const attributeBytes = 256;

/**
 * How long a thread of Node's pool waits at a time. The process cannot end earlier. If the clock is set back,
 * only one such wait takes longer.
 */
const sliceMilliseconds = 250;

/** A call that is running on its own thread. */
export interface OwnThread {
  /**
   * Waits for the call to return.
   *
   * @param isOver  Whether the result is no longer wanted; asked a few times a second.
   * @returns the `int` that the function returned; undefined if it has not returned within so many
   *   milliseconds.
   */
  readonly within: (milliseconds: number, isOver?: () => boolean) => Promise<number | undefined>;
}

/**
 * Calls a C function `int f(void *)` on a new thread. Neither the event loop nor the end of the process waits
 * for this thread: it may never return.
 *
 * koffi's asynchronous calls do not serve here. They run on Node's pool of threads, which keeps the process
 * alive until they return.
 *
 * @param address  Of the function.
 * @returns undefined if no further thread can be started (`ulimit -u`).
 * @see pthread_create(3)
 */
export function callOnOwnThread(address: bigint, argument: number): OwnThread | undefined {
  const attributes = new Uint8Array(attributeBytes);
  native('pthread_attr_init')(attributes);
  native('pthread_attr_setstacksize')(attributes, stackBytes);
  const created = [0];
  if (native('pthread_create')(created, attributes, address, argument) !== 0) return undefined;
  const thread = created[0] ?? 0;
  return {
    async within(milliseconds, isOver = () => false) {
      const until = now() + milliseconds;
      for (;;) {
        const left = until - now();
        const result = await joinWithin(thread, Math.min(left, sliceMilliseconds));
        if (result !== undefined) {
          lasting.delete(thread);
          return result;
        }
        expectItAtExit(thread);
        if (left <= sliceMilliseconds || isOver()) return undefined;
      }
    },
  };
}

/** @see pthread_timedjoin_np(3) */
function joinWithin(thread: number, milliseconds: number): Promise<number | undefined> {
  const at = Date.now() + Math.max(0, Math.ceil(milliseconds));
  // struct timespec
  const time = new BigInt64Array([BigInt(Math.floor(at / 1000)), BigInt((at % 1000) * 1_000_000)]);
  const returned: (number | bigint)[] = [0];
  return new Promise((resolve, reject) => {
    native('pthread_timedjoin_np').async(thread, returned, time, (error: Error | null, failure: unknown) => {
      if (error) reject(error);
      // The function returns an int: the upper half of the register is undefined.
      else resolve(failure === 0 ? Number(BigInt.asIntN(32, BigInt(returned[0] ?? 0))) : undefined);
    });
  });
}

/** Threads that were waited for in vain: they are still running. */
const lasting = new Set<number>();
let isExpected = false;

/**
 * Prepares for the end of the process while the thread runs. exit(3) would run the destructors of libraries
 * that the thread is executing, and may wait for a lock that the thread holds (in dlopen(3), for example). So
 * the process leaves by _exit(2), after all other exit handlers.
 */
function expectItAtExit(thread: number): void {
  lasting.add(thread);
  // A worker thread gets only its own exit event.
  if (isExpected || !isMainThread) return;
  isExpected = true;
  const leave = native('_exit');
  process.on('exit', function last(code) {
    if (lasting.size === 0) return;
    const listeners = process.listeners('exit');
    for (const later of listeners.slice(listeners.indexOf(last) + 1)) later.call(process, code);
    leave(Number(process.exitCode ?? code));
  });
}

/**
 * Milliseconds on a clock that never goes back. (The first use of performance.now() takes a process a
 * millisecond.)
 */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
