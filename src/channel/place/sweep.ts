// What is under a root, and removing what dead jobs left. A channel goes only when its keeper is dead for certain; age says nothing.

import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isInhabited } from './inhabited.js';
import { type Keeper, isAlive, readKeeper } from './keeper.js';
import { keeperFile } from './kept.js';
import { isNeeded } from './needed.js';
import { passingKeeper } from './passing.js';
import { checkDirectory, removeChannel, removeRoot } from './root.js';

/** A channel, or what is on its way to become one or to be removed. */
export interface Found {
  readonly path: string;
  /** Whose life it depends on; undefined if it does not say. */
  readonly keeper: Keeper | undefined;
  /** Whether the keeper lives, or the job does without it; undefined if that cannot be told from here. */
  readonly alive: boolean | undefined;
}

/** What is under a root of ours; undefined where it is not there, or must be refused. */
export function channelsIn(root: string): readonly Found[] | undefined {
  let names: string[];
  try {
    checkDirectory(root);
    names = readdirSync(root);
  } catch {
    return undefined;
  }
  return names.map((name) => foundAt(root, name));
}

/** What stands under a name, and whose life it depends on. */
export function foundAt(folder: string, name: string): Found {
  const path = join(folder, name);
  const keeper = passingKeeper(name) ?? readKeeper(join(path, keeperFile));
  const alive = keeper === undefined ? undefined : isAlive(keeper);
  return { path, keeper, alive: alive === false ? isNeeded(name) || isInhabited(path) : alive };
}

/**
 * Removes the channels of dead jobs under a root, and the root if nothing is left in it.
 *
 * @param except  A channel that stays in any case: one's own, whose keeper may die at this moment.
 * @returns the paths that were removed.
 */
export function sweep(root: string, except?: string): string[] {
  const found = channelsIn(root);
  if (found === undefined) return [];
  // No keeper's name, or one whose life cannot be seen from here: not ours to judge.
  const dead = found.flatMap(({ path, alive }) => (path !== except && alive === false ? [path] : []));
  dead.forEach(removeChannel);
  removeRoot(root);
  return dead.filter((path) => lstatSync(path, { throwIfNoEntry: false }) === undefined);
}
