// A member's pair of FIFOs, as the mark of its arrival: who has made them, and is not there to read, has died or given up.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Channel, hasReader } from '../channel/index.js';
import { mkfifo } from '../hwloc/index.js';

/**
 * Makes this rank's FIFOs. Their name tells the local rank, so that the leader knows whose they are even where no announcement
 * follows.
 *
 * @returns the name that they have in common.
 * @throws HwlocError  of the file system.
 */
export function makePair(channel: Channel, localRank: number): string {
  const name = `${localRank}-${process.pid}`;
  mkfifo(join(channel.path, `${name}.up`));
  mkfifo(join(channel.path, `${name}.down`));
  return name;
}

/** The FIFOs in a channel that nobody has open, of some local ranks: their makers have not been let in yet. */
export function unattended(
  channel: Channel,
  localRanks: readonly number[],
): { localRank: number; name: string }[] {
  try {
    return readdirSync(channel.path).flatMap((name) => {
      // Not the other one: there, a writer that comes and goes would look like a leader that has died.
      const [, digits] = /^(\d{1,9})-\d+\.up$/.exec(name) ?? [];
      const localRank = Number(digits);
      return localRanks.includes(localRank) && !hasReader(join(channel.path, name))
        ? [{ localRank, name }]
        : [];
    });
  } catch {
    // The channel was removed, or something else stands there.
    return [];
  }
}
