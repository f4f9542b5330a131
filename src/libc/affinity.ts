// Reads and sets the CPUs that the calling thread may run on. A child process inherits them from the thread
// that starts it.

import { invoke } from './errno.js';
import { native } from './native.js';

/** The most CPUs that a kernel can be built for. */
const mostCpus = 8192;

/** The numbers of the CPUs that the calling thread may run on, ascending. @see sched_getaffinity(2) */
export function threadAffinity(): number[] {
  const words = new BigUint64Array(mostCpus / 64);
  invoke('sched_getaffinity', () => native('sched_getaffinity')(0, words.byteLength, words));
  const cpus: number[] = [];
  for (let cpu = 0; cpu < mostCpus; cpu++) {
    if (((words[cpu >> 6] ?? 0n) >> BigInt(cpu & 63)) & 1n) cpus.push(cpu);
  }
  return cpus;
}

/**
 * Binds the calling thread.
 *
 * @throws HwlocError  `EINVAL`: the thread may use none of these CPUs. `EPERM`: a sandbox forbids it.
 * @see sched_setaffinity(2)
 */
export function setThreadAffinity(cpus: Iterable<number>): void {
  const words = new BigUint64Array(mostCpus / 64);
  for (const cpu of cpus) words[cpu >> 6] = (words[cpu >> 6] ?? 0n) | (1n << BigInt(cpu & 63));
  invoke('sched_setaffinity', () => native('sched_setaffinity')(0, words.byteLength, words), {
    EINVAL: 'this process may use none of these CPUs',
    EPERM: 'a sandbox forbids it',
  });
}
