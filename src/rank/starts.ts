// When the ranks of a step were started on this node: by it one sees whether their launcher is still at it.

import { currentKeeper, type Keeper } from '../channel/place/index.js';
import type { Placed } from './placed.js';

/** Clock ticks in a second, in which start times count: USER_HZ, which is 100 on all systems that Node runs on. */
export const ticks = 100;

/**
 * When each local rank was started, in clock ticks after boot; this one is among them.
 *
 * Of the processes of a rank the first counts: it is the rank, or the script around it. Those that it has started itself come later.
 */
export function startsOf(
  { localRank: own }: Placed,
  found: ReadonlyMap<number, Keeper[]>,
): Map<number, number> {
  const starts = new Map([...found].map(([localRank, keepers]) => [localRank, first(keepers)]));
  return starts.set(own, Math.min(starts.get(own) ?? Infinity, currentKeeper().start));
}

/** The time, in clock ticks after boot. Not by /proc/uptime, which containers may show differently. */
export function timeInTicks(): number {
  return currentKeeper().start + process.uptime() * ticks;
}

function first(keepers: readonly Keeper[]): number {
  return Math.min(...keepers.map(({ start }) => start));
}
