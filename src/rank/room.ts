// How many members a leader can serve at once with the descriptors that it may open.

import { readFileSync, readdirSync } from 'node:fs';

/**
 * What the leader, and its job, need besides. A discovery that runs out of descriptors does not fail: it finds less than there
 * is, and all ranks would share that.
 */
const spare = 64;

/** Descriptors that each member takes: the reading end of one FIFO, the writing end of the other. */
const perMember = 2;

/** The most members that this process can have conversations with; no bound where the system does not tell. */
export function roomForMembers(): number {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    if (limit === undefined) return Infinity;
    const open = readdirSync('/proc/self/fd').length;
    return Math.max(0, Math.floor((Number(limit) - open - spare) / perMember));
  } catch {
    return Infinity;
  }
}
