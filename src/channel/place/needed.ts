// Whether what --xmlfile has left for programs that know nothing of us is of use to one yet: none of them becomes its keeper.

import { readFileSync, readdirSync } from 'node:fs';

/**
 * Whether a directory holds a file that HWLOC_XMLFILE may name in a program that lives on, after a wrapper that was killed.
 *
 * @param name  Its name: only the XML files' have the word in it.
 */
export function isNeeded(name: string): boolean {
  const [, job] = /^(.+)\.xmlfile[@-]/.exec(name) ?? [];
  if (job === undefined) return false;
  return readdirSync('/proc').some(
    (pid) => /^\d+$/.test(pid) && hasVariable(pid, `HWLOC_SHARE_JOB=${job}\0`),
  );
}

// Open MPI passes it on with OMPI_ in front.
function hasVariable(pid: string, entry: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(entry);
  } catch {
    return false; // somebody else's, or it has ended
  }
}
