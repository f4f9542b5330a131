// Writes lines to the user on stderr, only if there is something to say. stdout belongs to the job.

import { writeSync } from 'node:fs';
import type { Identity } from '../launcher/kinds/index.js';

/**
 * Returns a function that writes `hwloc-share: node n017, rank 12: text` to stderr, in one system call, so
 * that lines of several ranks do not mix.
 */
export function noticeOf(identity: Pick<Identity, 'node' | 'rank'> | undefined): (text: string) => void {
  const who = identity === undefined ? '' : ` node ${identity.node}, rank ${identity.rank}:`;
  return (text) => {
    try {
      writeSync(2, `hwloc-share:${who} ${text.replaceAll('\n', ' ')}\n`);
    } catch {
      // A closed or full stderr is no reason to fail a job.
    }
  };
}

/** Lists ranks: `3`, `3 and 7`, `3, 7 and 9`. Long lists are cut: `3, 7, 9 and 61 more`. */
export function listOf(ranks: readonly number[]): string {
  const shown = ranks.length > 12 ? ranks.slice(0, 10) : ranks;
  const rest = ranks.length - shown.length;
  const last = rest > 0 ? `${rest} more` : shown.at(-1);
  const head = rest > 0 ? shown : shown.slice(0, -1);
  return head.length === 0 ? String(last) : `${head.join(', ')} and ${last ?? ''}`;
}
