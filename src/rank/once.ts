// Once per process: the others expect one rank of each number, and a mapping can be adopted only once in a process (hwloc#449).

import { joinedVariable, markJoined } from '../environment/index.js';
import { setFirst, threadName } from '../libc/index.js';

/**
 * Takes this process's part in its job, before anything is done that others could see.
 *
 * @param mark  The job's name on this node, and the local rank.
 * @returns false if it is taken: by this thread or another one of the process, whether that has left again or not; or by a process above
 *          this one, whose variables this one has inherited.
 */
export function takePart(mark: string): boolean {
  const own = `${mark} ${threadName}`;
  // A rank that starts a job of its own leaves its mark to ranks of that one. (Ranks in other languages name no thread.)
  const isOfOtherJob = (value: string) => value !== mark && !value.startsWith(`${mark} `);
  if (!setFirst(joinedVariable, own, isOfOtherJob)) return false;
  markJoined(own);
  return true;
}
