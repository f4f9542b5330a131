// Whether anybody lives in a channel: its launcher may be dead, and its ranks go on.

import { readlinkSync } from 'node:fs';
import { type Keeper, isAlive, readKeeper } from './keeper.js';
import { namesIn, pairsIn } from './names.js';

/** The process that leads, or led, in a channel; undefined if none has come. */
export function leaderIn(path: string): Keeper | undefined {
  return readKeeper(`${path}/leader`);
}

/**
 * Whether the leader of a channel lives, or one of the members that it has not let in yet. Where a channel is removed from under them,
 * those who come later make another one, and both halves wait for each other.
 */
export function isInhabited(path: string): boolean {
  const leader = leaderIn(path);
  if (leader !== undefined && isAlive(leader) === true) return true;
  return pairsIn(path).some(({ name, pid }) => hasOpen(pid, `${path}/${name}.down`));
}

/** Its maker holds it open as long as it waits; somebody else may have got the same pid since. */
function hasOpen(pid: number, file: string): boolean {
  return namesIn(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === file;
    } catch {
      return false; // closed meanwhile
    }
  });
}
