// Which thread of the process this is, as the kernel tells it: importing node:worker_threads for the same takes some milliseconds.

import { readlinkSync } from 'node:fs';

/** This thread's name, `PID/task/TID`: no other thread of the process has it, nor another process that lives. */
export const threadName: string = readlinkSync('/proc/thread-self');

const [pid, , tid] = threadName.split('/');

/** Whether this is the thread that Node started with, and no worker thread. */
export const isMainThread = pid === tid;
