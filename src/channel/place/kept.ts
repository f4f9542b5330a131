// A directory that says who keeps it: a channel, or what goes the way of channels when its keeper has died.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Keeper, currentKeeper, formatKeeper } from './keeper.js';
import { removeChannel } from './root.js';

/** The file in a channel that names its keeper. */
export const keeperFile = 'keeper';

/**
 * Makes a directory, 0700, with its keeper's name in it.
 *
 * @throws Error  of mkdir(2) and open(2); nothing is there then that was not before.
 */
export function makeKept(path: string, keeper: Keeper = currentKeeper()): void {
  mkdirSync(path, { mode: 0o700 });
  try {
    writeFileSync(join(path, keeperFile), formatKeeper(keeper), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    removeChannel(path);
    throw error;
  }
}
