// Which thread of the process this is, as the kernel tells it: importing node:worker_threads for the same takes some milliseconds.

import { readlinkSync } from 'node:fs';

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
