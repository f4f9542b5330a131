// The roll: the file in a channel whose locked bytes say who is there, who leads and who owns the channel.

import { closeSync, constants, futimesSync } from 'node:fs';
import { lockBytes, lockOnBytes, statusAt, statusOf, unlockBytes } from '../libc/index.js';
import { createFile, openOurs } from './ours.js';

/** The byte of the rank that leads. Lower bytes are those of local ranks. */
export const leaderByte = 2 ** 31;
/** The byte of the wrapper while its job runs. */
export const ownerByte = leaderByte + 1;

const everyByte = { start: 0, length: ownerByte + 1 };
const one = (byte: number) => ({ start: byte, length: 1 });

/** What became of a try to take a byte. `leaving`: the channel is being removed, or was. */
export type Taken = 'taken' | 'held' | 'leaving';

/** An open roll. */
export interface Roll {
  /** Locks a byte of our own. */
  take(byte: number): Taken;
  /** Unlocks it. */
  drop(byte: number): void;
  /** Whether another process, or another thread of this one, holds a byte. */
  isHeld(byte: number): boolean;
  /** The bytes of ranks that others hold, in ascending order. @param among  Only these; else all that there can be. */
  held(among?: readonly number[]): number[];
  /** Shows the other ranks that the leader lives: they look at {@link renewed}. */
  renew(): void;
  /** Milliseconds since the epoch at which that was said last. */
  renewed(): number;
  /** Locks every byte, which nobody can while anybody is there. It is given back by {@link close}. */
  takeAll(): boolean;
  /** The same roll under the name that its channel has now. */
  renamed(path: string): Roll;
  /** Closes the file, which gives all locks back. */
  close(): void;
}

/** Makes the roll of a channel that is being built. @throws Error  `ENOENT`: its directory was removed. */
export function createRoll(path: string): Roll {
  return rollOf(createFile(path), path);
}

/** Opens the roll of a channel. To look at it, reading is enough. @throws ChannelRefusedError, Error */
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
      // A rank holds one byte; a process that removes the channel holds all of them. Without a lock, it has just gone.
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
    // Else the channel that has the name now is another one, which somebody may be in.
    takeAll: () => lockBytes(fd, everyByte) && isNamed(fd, path),
    renamed: (to) => rollOf(fd, to),
    close() {
      if (isOpen) closeSync(fd);
      isOpen = false;
    },
  };
}

/** The kernel names any one of the locks on a range: the rest is on its two sides. */
function heldBetween(fd: number, start: number, end: number): number[] {
  if (start >= end) return [];
  const lock = lockOnBytes(fd, { start, length: end - start });
  if (lock === undefined) return [];
  const first = Math.max(lock.start, start);
  // All bytes at once: the channel is being removed, and nobody is there.
  if (lock.length !== 1) return [];
  return [...heldBetween(fd, start, first), first, ...heldBetween(fd, first + 1, end)];
}

/** Whether a file still has the name under which it was opened. */
function isNamed(fd: number, path: string): boolean {
  return statusAt(path)?.ino === statusOf(fd).ino;
}
