// Which thread of the process this is, as the kernel tells it: importing node:worker_threads for the same takes some milliseconds.

import { readlinkSync } from 'node:fs';

/** This thread's name, `PID/task/TID`: no other thread of the process has it, nor another process that lives. */
export function threadName(): string {
  return readlinkSync('/proc/thread-self');
}

/** Whether this is the thread that Node started with, and no worker thread. */
export function isMainThread(): boolean {
  const [pid, , tid] = threadName().split('/');
  return pid === tid;
}
