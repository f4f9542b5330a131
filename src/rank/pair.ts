// A member's pair of FIFOs, as the mark of its arrival: who has made them, and is not there to read, has died or given up.

import {
  type Channel,
  type LineReader,
  type LineWriter,
  hasReader,
  openReader,
  openWriter,
  unlinkIfThere,
} from '../channel/index.js';
import { type Pair, keeperOf, pairsIn } from '../channel/place/index.js';
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
  mkfifo(`${channel.path}/${name}.up`);
  mkfifo(`${channel.path}/${name}.down`);
  return name;
}

/**
 * Opens the leader's ends of a member's pair.
 *
 * @param path    What the paths of the two have in common.
 * @returns no writer if the member has gone.
 * @throws Error  if they are not what a member makes.
 */
export function openPair(path: string): { reader: LineReader; writer: LineWriter | undefined } {
  const reader = openReader(`${path}.up`);
  try {
    const writer = openWriter(`${path}.down`);
    // Both ends are open now; the names are not needed, and would be what a kill leaves behind.
    unlinkIfThere(`${path}.up`);
    unlinkIfThere(`${path}.down`);
    return { reader, writer };
  } catch (error) {
    reader.close();
    throw error;
  }
}

/** A pair that nobody has open. */
export interface Unattended extends Pair {
  /** Whether its maker lives, as far as can be told from here. */
  readonly isOfTheLiving: boolean;
}

/** The pairs in a channel that nobody has open, of some local ranks: their makers have not been let in yet. */
export function unattended(channel: Channel, localRanks: readonly number[]): Unattended[] {
  try {
    return (
      pairsIn(channel.path)
        // Not the other one: there, a writer that comes and goes would look like a leader that has died.
        .filter(
          ({ localRank, name }) => localRanks.includes(localRank) && !hasReader(`${channel.path}/${name}.up`),
        )
        .map((pair) => ({ ...pair, isOfTheLiving: keeperOf(pair.pid) !== undefined }))
    );
  } catch {
    // Something else stands there.
    return [];
  }
}
