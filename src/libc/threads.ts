// Threads: which one of the process this is, and a C function on a thread of its own.

import { readlinkSync } from 'node:fs';
import { native } from './native.js';

// As the kernel tells it: importing node:worker_threads for the same takes some milliseconds.
/** This thread's name, `PID/task/TID`: no other thread that lives has it. Empty where no /proc is mounted. */
export const threadName: string = ownName();

const [pid, , tid] = threadName.split('/');

/** Its number, as the kernel counts threads. 0 where no /proc is mounted. */
export const threadId = Number(tid ?? 0);

/** Whether this is the thread that Node started with, and no worker thread. */
export const isMainThread = pid === tid;

function ownName(): string {
  try {
    return readlinkSync('/proc/thread-self');
  } catch {
    return '';
  }
}

/** What a main thread has by default: discoveries with plugins are used to it. (Only what is used of it takes memory.) */
const stackBytes = 8 << 20;

/** More than any C library's pthread_attr_t has. */
const attributeBytes = 256;

/**
 * How long a thread of Node's pool waits at a time. The process does not end before; and a clock that is set back holds up no more
 * than one such wait.
 */
const sliceMilliseconds = 250;

/** A call under way on its own thread. */
export interface OwnThread {
  /**
   * Waits for its return.
   *
   * @param isOver  Whether nobody wants to know any more; asked a few times a second.
   * @returns the `int` that it returned; undefined if it has not within so many milliseconds.
   */
  readonly within: (milliseconds: number, isOver?: () => boolean) => Promise<number | undefined>;
}

/**
 * Calls a C function `int f(void *)` on a new thread, for which neither the event loop nor the end of the process waits: it may never
 * return.
 *
 * Not through koffi's asynchronous calls: those run on Node's pool of threads, which keeps the process alive until they return.
 *
 * @param address  Of the function.
 * @returns undefined if there may be no further thread (`ulimit -u`).
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
      // The function returns an int: the upper half of the register means nothing.
      else resolve(failure === 0 ? Number(BigInt.asIntN(32, BigInt(returned[0] ?? 0))) : undefined);
    });
  });
}

/** Threads that were waited for, and have not ended. */
const lasting = new Set<number>();
let isExpected = false;

/**
 * Prepares for the end of the process while the thread runs: exit(3) would run the destructors of libraries that it is in, and may wait
 * for a lock that it holds (of dlopen(3), say). So the process leaves by _exit(2), after all others who want to know of its end.
 */
function expectItAtExit(thread: number): void {
  lasting.add(thread);
  // A worker thread is told of its own end only.
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

/** Milliseconds on a clock that only goes forward. (The first use of performance.now() in a process takes one.) */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
