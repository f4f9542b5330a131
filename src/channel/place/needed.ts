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
  return readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && hasVariable(pid, `HWLOC_SHARE_JOB=${job}`));
}

function hasVariable(pid: string, entry: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`.includes(`\0${entry}\0`);
  } catch {
    return false; // somebody else's, or it has ended
  }
}
