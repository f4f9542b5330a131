// Whose life this rank's channel depends on.

import { publish } from '../channel/index.js';
import {
  type Keeper,
  currentKeeper,
  formatKeeper,
  isAlive,
  keeperFile,
  keeperOf,
  leaderIn,
  readKeeper,
} from '../channel/place/index.js';
import type { Identity } from '../launcher/kinds/index.js';

/** The launcher's process above this rank; this rank itself where that one cannot be seen. */
export function keeperFor(identity: Identity): Keeper {
  return keeperOf(identity.keeper) ?? currentKeeper();
}

/**
 * Makes this process the keeper of its job's channel where that one has died: a wrapper may be killed, and its ranks live on.
 * Else the next sweep, of this job's own leader or of another job, would remove the channel from under them.
 */
export function keepIfOrphaned(path: string): void {
  const keeper = readKeeper(`${path}/${keeperFile}`);
  if (keeper === undefined || isAlive(keeper) !== false) return;
  const leader = leaderIn(path);
  // It has been of use to somebody already, and is of none to us.
  if (leader !== undefined && isAlive(leader) === false) return;
  try {
    publish(`${path}/${keeperFile}`, formatKeeper(currentKeeper()));
  } catch {
    // It was removed; or another rank does the same.
  }
}
