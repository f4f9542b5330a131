// The roll: the file in a channel whose locked bytes say which ranks are there, which one leads, and whether
// a wrapper owns the channel.

import { closeSync, constants, ftruncateSync, futimesSync } from 'node:fs';
import { lockBytes, lockOnBytes, statusAt, statusOf, unlockBytes } from '../libc/index.js';
import { createFile, openOurs } from './ours.js';

/** The byte of the leader. The bytes below it are for local ranks. */
export const leaderByte = 2 ** 31;
/** The byte of the owner: the wrapper, while its job runs. */
export const ownerByte = leaderByte + 1;

/** A process that has made a directory and not locked it for so long is taken for dead. */
const claimMilliseconds = 10_000;

const everyByte = { start: 0, length: ownerByte + 1 };
const one = (byte: number) => ({ start: byte, length: 1 });

/** The result of taking a byte. `leaving`: the channel is being removed, or was removed. */
export type Taken = 'taken' | 'held' | 'leaving';

/** An open roll. */
export interface Roll {
  /** Locks a byte for this process. */
  take(byte: number): Taken;
  /** Unlocks a byte. */
  drop(byte: number): void;
  /** Whether another process, or another thread of this one, holds a byte. */
  isHeld(byte: number): boolean;
  /**
   * The bytes of ranks that others hold, in ascending order. @param among  Only check these; default: all.
   */
  held(among?: readonly number[]): number[];
  /** Shows the other ranks that the leader is alive: they check {@link renewed}. */
  renew(): void;
  /** When {@link renew} was last called: milliseconds since the epoch. */
  renewed(): number;
  /**
   * Locks every byte. This fails as long as any process is in the channel. {@link close} releases the lock.
   */
  takeAll(): boolean;
  /** Whether the process that made the directory has yet to lock it: its roll says so, and is new. */
  isUnclaimed(): boolean;
  /** Ends that. */
  claim(): void;
  /** The same roll under the current name of its channel. */
  renamed(path: string): Roll;
  /** Closes the file, which releases all locks. */
  close(): void;
}

/**
 * Makes the roll of a channel that is being built. @throws Error  `ENOENT`: the channel's directory was
 * removed.
 */
export function createRoll(path: string): Roll {
  return rollOf(createFile(path), path);
}

/** Opens the roll of a channel. Read access is enough to look at it. @throws ChannelRefusedError, Error */
export function openRoll(path: string, access = constants.O_RDWR): Roll {
  return rollOf(openOurs(path, access, constants.S_IFREG), path);
}

function rollOf(fd: number, path: string): Roll {
  let isOpen = true;
  return {
    take(byte) {
      const isTaken = lockBytes(fd, one(byte));
      if (!isNamed(fd, path)) return 'leaving';
      if (isTaken) return 'taken';
      // A rank holds one byte; a process that removes the channel holds all of them. If there is no lock,
      // that process has just finished.
      return lockOnBytes(fd, one(byte))?.length === 1 ? 'held' : 'leaving';
    },
    drop(byte) {
      unlockBytes(fd, one(byte));
    },
    isHeld: (byte) => lockOnBytes(fd, one(byte)) !== undefined,
    held(among) {
      if (among !== undefined) return among.filter((byte) => lockOnBytes(fd, one(byte)) !== undefined);
      return heldBetween(fd, 0, leaderByte).sort((a, b) => a - b);
    },
    renew() {
      const now = Date.now() / 1000;
      futimesSync(fd, now, now);
    },
    renewed: () => statusOf(fd).mtimeMs,
    // If the path names another file now, another channel has taken the name, and ranks may be in it.
    takeAll: () => lockBytes(fd, everyByte) && isNamed(fd, path),
    isUnclaimed() {
      const { size, mtimeMs } = statusOf(fd);
      return size > 0 && Date.now() - mtimeMs < claimMilliseconds;
    },
    claim() {
      ftruncateSync(fd);
    },
    renamed: (to) => rollOf(fd, to),
    close() {
      if (isOpen) closeSync(fd);
      isOpen = false;
    },
  };
}

/** The kernel reports any one of the locks in a range. The others are on its two sides. */
function heldBetween(fd: number, start: number, end: number): number[] {
  if (start >= end) return [];
  const lock = lockOnBytes(fd, { start, length: end - start });
  if (lock === undefined) return [];
  const first = Math.max(lock.start, start);
  // A lock on all bytes: the channel is being removed, and no rank is in it.
  if (lock.length !== 1) return [];
  return [...heldBetween(fd, start, first), first, ...heldBetween(fd, first + 1, end)];
}

/** Whether a file still has the name under which it was opened. */
function isNamed(fd: number, path: string): boolean {
  return statusAt(path)?.ino === statusOf(fd).ino;
}
