// Removing what dead jobs left. A channel goes only when its keeper is dead for certain; age says nothing.

import { lstatSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Keeper, isAlive, parseKeeper } from './keeper.js';
import { passingKeeper } from './passing.js';
import { checkDirectory, removeChannel, removeRoot } from './root.js';

/** The file in a channel that names its keeper. */
export const keeperFile = 'keeper';

/**
 * Removes the channels of dead jobs under a root.
 *
 * @param except  A channel that stays in any case: one's own, whose keeper may die at this moment.
 * @returns the paths that were removed.
 */
export function sweep(root: string, except?: string): string[] {
  let names: string[];
  try {
    checkDirectory(root);
    names = readdirSync(root);
  } catch {
    return [];
  }
  const dead = names
    .filter((name) => join(root, name) !== except && isAbandoned(root, name))
    .map((name) => join(root, name));
  dead.forEach(removeChannel);
  removeRoot(root);
  return dead.filter((path) => lstatSync(path, { throwIfNoEntry: false }) === undefined);
}

function isAbandoned(root: string, name: string): boolean {
  const keeper = passingKeeper(name) ?? readKeeper(join(root, name, keeperFile));
  // No keeper's name, or one whose life cannot be seen from here: not ours to judge.
  return keeper !== undefined && isAlive(keeper) === false;
}

function readKeeper(path: string): Keeper | undefined {
  try {
    return parseKeeper(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
