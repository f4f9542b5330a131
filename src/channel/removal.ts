// Removing channels: one's own, and those that dead jobs left. Only a process that holds every lock of a roll may do it.

import { constants, lstatSync, readdirSync, renameSync, rmSync, rmdirSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { statusAt } from '../libc/index.js';
import { checkDirectory, removeRoot } from './place/index.js';
import { codeOf } from '../errors/index.js';
import { type Roll, leaderByte, openRoll, ownerByte } from './roll.js';

/** What is under a root: a channel, or one on its way in or out. */
export interface Found {
  readonly path: string;
  /** Whether anybody is in it; undefined if that cannot be told, and then it stays. */
  readonly inUse: boolean | undefined;
  /** Whether a wrapper owns it. */
  readonly owned: boolean;
  /** Whether a rank leads in it. */
  readonly led: boolean;
  /** The local ranks that are in it. */
  readonly ranks: readonly number[];
}

/** A name that nobody else has, for a directory that is being built (`new`) or removed (`old`). */
export function temporaryName(root: string, what: 'new' | 'old'): string {
  const random = () => Math.random().toString(36).slice(2, 10).padEnd(8, '0');
  return `${root}/.${what}-${random()}${random()}`;
}

/** What is under a root of ours; undefined where it is not there, or must be refused. */
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

/** Whether a name is there. In a root that is no directory, or that we may not enter, nothing is. */
export function isThere(path: string): boolean {
  try {
    return statusAt(path) !== undefined;
  } catch {
    return false;
  }
}

/** What the roll of a channel says. */
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
 * Removes the channels of dead jobs under a root, and the root if nothing is left in it.
 *
 * @param job  What begins with the name of this one stays: it is just being made.
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
 * Removes a channel if nobody is in it.
 *
 * @returns whether it is gone.
 */
export function removeIfDead(path: string): boolean {
  let roll: Roll;
  try {
    roll = openRoll(`${path}/roll`);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') return false;
    // A process was killed before it made the roll, or after it removed it: then the directory is empty.
    return removeEmpty(path);
  }
  try {
    if (!roll.takeAll()) return false;
    removeLocked(dirname(path), path);
    return lstatSync(path, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false; // a file system without locks: not ours to judge
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
 * Removes a channel whose roll we hold every lock of, and the root if nothing else is in it.
 *
 * It is renamed first, so that nobody finds half of it. The roll goes last, so that the next sweep knows a directory that we were
 * killed at.
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
 * Takes the owner's byte in a directory of ours that has a roll.
 *
 * @returns the roll, to be closed when the directory is ours no more; undefined if another process owns it, or removes it.
 */
export function ownDirectory(path: string): Roll | undefined {
  const roll = openRoll(`${path}/roll`);
  if (roll.take(ownerByte) === 'taken') return roll;
  roll.close();
  return undefined;
}

/** Removes a directory of ours, its roll last. What cannot be removed stays: a job must not fail because of it. */
export function removeDirectory(path: string): void {
  try {
    for (const name of readdirSync(path)) {
      if (name !== 'roll') rmSync(`${path}/${name}`, { recursive: true, force: true });
    }
    rmSync(`${path}/roll`, { force: true });
    rmdirSync(path);
  } catch {
    // Gone already, or not ours to remove (EACCES, EPERM, EROFS).
  }
}

/** Removes a name; one that is gone already is no error. */
export function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
