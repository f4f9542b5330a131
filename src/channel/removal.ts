// Removes channels: this process's own, and those of dead jobs. Only a process that holds every lock of a
// roll may do it.

import { constants, lstatSync, readdirSync, renameSync, rmSync, rmdirSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { statusAt } from '../libc/index.js';
import { checkDirectory, removeRoot } from './place/index.js';
import { codeOf } from '../errors/index.js';
import { type Roll, leaderByte, openRoll, ownerByte } from './roll.js';

/** A directory under a root: a channel, or one that is being made or removed. */
export interface Found {
  readonly path: string;
  /** Whether any process is in it; undefined if that is unknown. Then the channel stays. */
  readonly inUse: boolean | undefined;
  /** Whether a wrapper owns it. */
  readonly owned: boolean;
  /** Whether a rank leads in it. */
  readonly led: boolean;
  /** The local ranks in it. */
  readonly ranks: readonly number[];
}

/** A unique name for a directory that is being built (`new`) or removed (`old`). */
export function temporaryName(root: string, what: 'new' | 'old'): string {
  const random = () => Math.random().toString(36).slice(2, 10).padEnd(8, '0');
  return `${root}/.${what}-${random()}${random()}`;
}

/** The channels under a root; undefined if the root does not exist, or must be refused. */
export function channelsIn(root: string): Found[] | undefined {
  return namesUnder(root)?.map((name) => look(`${root}/${name}`));
}

function namesUnder(root: string): string[] | undefined {
  try {
    checkDirectory(root);
    return readdirSync(root);
  } catch {
    return undefined;
  }
}

/** Whether a path exists. False if its root is not a directory, or cannot be entered. */
export function isThere(path: string): boolean {
  try {
    return statusAt(path) !== undefined;
  } catch {
    return false;
  }
}

/** Reads the roll of a channel. */
export function look(path: string): Found {
  const unknown = { path, inUse: undefined, owned: false, led: false, ranks: [] };
  let roll: Roll;
  try {
    roll = openRoll(`${path}/roll`, constants.O_RDONLY);
  } catch {
    return unknown;
  }
  try {
    const ranks = roll.held();
    const owned = roll.isHeld(ownerByte);
    const led = roll.isHeld(leaderByte);
    return { path, inUse: owned || led || ranks.length > 0, owned, led, ranks };
  } catch {
    return unknown;
  } finally {
    roll.close();
  }
}

/**
 * Removes the channels of dead jobs under a root, and the root if it is empty then.
 *
 * @param job  Names that begin with this one are kept: that channel is just being made.
 * @returns the paths that were removed.
 */
export function sweep(root: string, job?: string): string[] {
  const names = namesUnder(root);
  if (names === undefined) return [];
  const others = job === undefined ? names : names.filter((name) => !name.startsWith(job));
  const removed = others.map((name) => `${root}/${name}`).filter(removeIfDead);
  removeRoot(root);
  return removed;
}

/**
 * Removes a channel if no process is in it.
 *
 * @returns whether it no longer exists.
 */
export function removeIfDead(path: string): boolean {
  let roll: Roll;
  try {
    roll = openRoll(`${path}/roll`);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') return false;
    // A process was killed before it made the roll, or after it removed the roll. Then the directory is
    // empty.
    return removeEmpty(path);
  }
  try {
    if (roll.isUnclaimed() || !roll.takeAll()) return false;
    removeLocked(dirname(path), path);
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false; // A file system without locks: nobody can tell whether the channel is in use.
  } finally {
    roll.close();
  }
}

function removeEmpty(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * Removes a channel, and the root if it is empty then. This process holds every lock of the channel's roll.
 *
 * The channel is renamed first, so that no rank finds half of it. The roll is removed last: if this process
 * is killed meanwhile, the next sweep still recognises the directory.
 */
export function removeLocked(root: string, path: string): void {
  let leaving = temporaryName(root, 'old');
  try {
    renameSync(path, leaving);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    leaving = path;
  }
  removeDirectory(leaving);
  removeRoot(root);
}

/**
 * Takes the owner's byte in a directory that has a roll.
 *
 * @returns the roll; closing it ends the ownership. undefined if another process owns or removes the
 *   directory.
 */
export function ownDirectory(path: string): Roll | undefined {
  const roll = openRoll(`${path}/roll`);
  if (roll.take(ownerByte) === 'taken') {
    roll.claim();
    return roll;
  }
  roll.close();
  return undefined;
}

/**
 * Removes a directory, its roll last. Files that cannot be removed stay: a job must not fail because of them.
 */
export function removeDirectory(path: string): void {
  try {
    for (const name of readdirSync(path)) {
      if (name !== 'roll') rmSync(`${path}/${name}`, { recursive: true, force: true });
    }
    rmSync(`${path}/roll`, { force: true });
    rmdirSync(path);
  } catch {
    // Already removed, or no permission (EACCES, EPERM, EROFS).
  }
}

/** Removes a name. A missing name is no error. */
export function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
