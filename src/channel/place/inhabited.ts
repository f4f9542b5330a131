// Whether anybody lives in a channel: its launcher may be dead, and its ranks go on.

import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { type Keeper, isAlive, parseKeeper } from './keeper.js';

/** The process that leads, or led, in a channel; undefined if none has come. */
export function leaderIn(path: string): Keeper | undefined {
  return readKeeper(`${path}/leader`);
}

/** What a file says of a keeper; undefined if it is not there, or says something else. */
export function readKeeper(file: string): Keeper | undefined {
  try {
    return parseKeeper(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Whether the leader of a channel lives, or one of the members that it has not let in yet. Where a channel is removed from under them,
 * those who come later make another one, and both halves wait for each other.
 */
export function isInhabited(path: string): boolean {
  const leader = leaderIn(path);
  if (leader !== undefined && isAlive(leader) === true) return true;
  return namesIn(path).some((name) => {
    const [, pid] = /^\d+-(\d+)\.down$/.exec(name) ?? [];
    return pid !== undefined && hasOpen(pid, `${path}/${name}`);
  });
}

/** Its maker holds it open as long as it waits; somebody else may have got the same pid since. */
function hasOpen(pid: string, file: string): boolean {
  return namesIn(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`) === file;
    } catch {
      return false; // closed meanwhile
    }
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // it has ended, is somebody else's, or was removed
  }
}
