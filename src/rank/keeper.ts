// Whose life this rank's channel depends on, and who leads in it.

import { readFileSync } from 'node:fs';
import { publish } from '../channel/index.js';
import {
  type Keeper,
  currentKeeper,
  formatKeeper,
  isAlive,
  keeperFile,
  keeperOf,
  parseKeeper,
} from '../channel/place/index.js';
import type { Identity } from '../launcher/kinds/index.js';

/** The launcher's process above this rank; this rank itself where that one cannot be seen. */
export function keeperFor(identity: Identity): Keeper {
  return keeperOf(identity.keeper) ?? currentKeeper();
}

/** The process that leads, or led, in a channel; undefined if none has come. */
export function leaderIn(path: string): Keeper | undefined {
  return read(`${path}/leader`);
}

/**
 * Makes this process the keeper of its job's channel where that one has died: a wrapper may be killed, and its ranks live on.
 * Else the next sweep, of this job's own leader or of another job, would remove the channel from under them.
 */
export function keepIfOrphaned(path: string): void {
  const keeper = read(`${path}/${keeperFile}`);
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

function read(file: string): Keeper | undefined {
  try {
    return parseKeeper(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
