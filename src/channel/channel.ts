// A channel: the directory in which the ranks of one node meet. The first to arrive makes it.

import { constants, openSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { mkfifo, statusAt } from '../hwloc/index.js';
import { openOurs } from './ours.js';
import {
  ChannelRefusedError,
  type Keeper,
  channelPath,
  checkDirectory,
  codeOf,
  currentKeeper,
  formatKeeper,
  makeKept,
  openRoot,
  passingName,
  removeChannel,
  removeRoot,
} from './place/index.js';

/** A channel's directory and the names in it. */
export interface Channel {
  readonly root: string;
  readonly path: string;
  /** The FIFO into which each arriving rank writes its announcement. */
  readonly lobby: string;
  /** The FIFO that the leader holds open while it serves: a member sees by it whether the leader lives. */
  readonly pulse: string;
  /** Made by the leader when it arrives: with no reader at the pulse, it says that the leader is dead. */
  readonly leader: string;
  /** The published plan, for ranks that come after the release. */
  readonly plan: string;
}

/**
 * Finds the channel of a job on this node, or makes it: built under another name and renamed into place, so that nobody
 * sees half of it; who loses the race uses the winner's.
 *
 * @param roots   Where to look, best first.
 * @param key     The job's name on this node.
 * @param keeper  Whose life the channel depends on; asked only where it is made.
 * @param refuse  Is told why a root cannot be used, before the next is tried.
 * @throws Error  the last root's, if none can be used.
 */
export function openChannel(
  roots: readonly string[],
  key: string,
  keeper: () => Keeper,
  refuse: (error: Error) => void = () => undefined,
): Channel {
  let last: Error = new Error('there is no directory for a channel');
  const attempt = (open: () => Channel | undefined): Channel | undefined => {
    try {
      return open();
    } catch (error) {
      last = error instanceof Error ? error : new Error(String(error));
      if (last instanceof ChannelRefusedError) refuse(last);
      return undefined;
    }
  };
  const untried: string[] = [];
  // Where another rank has made it, even if a better place has room again by now.
  for (const root of roots) {
    const isMade = isMadeIn(root, key);
    const found = isMade ? attempt(() => openMade(root, key) ?? openIn(root, key, keeper)) : undefined;
    if (found !== undefined) return found;
    if (!isMade) untried.push(root);
  }
  for (const root of untried) {
    const made = attempt(() => openIn(root, key, keeper));
    if (made !== undefined) return made;
  }
  throw last;
}

/** Whether a job's channel stands in a root. (One that is no directory, or cannot be entered, is refused when it is opened.) */
export function isMadeIn(root: string, key: string): boolean {
  try {
    return isThere(channelPath(root, key));
  } catch {
    return false;
  }
}

/** @returns undefined if it was removed meanwhile. */
function openMade(root: string, key: string): Channel | undefined {
  const path = channelPath(root, key);
  for (const directory of [root, path]) {
    const status = statusAt(directory);
    if (status === undefined) return undefined;
    checkDirectory(directory, status);
  }
  return channelAt(root, path);
}

function openIn(root: string, key: string, keeper: () => Keeper): Channel {
  // A job that ends removes the root when it is empty, and may do so between two steps of ours: hence a few tries.
  for (let tries = 0; ; tries++) {
    try {
      openRoot(root);
      const path = channelPath(root, key);
      if (!isThere(path)) build(root, path, keeper(), makePipes);
      checkDirectory(path);
      return channelAt(root, path);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || tries === 10) throw error;
    }
  }
}

/** Builds a directory and renames it into place. @returns false if somebody else's was there first. */
function build(root: string, path: string, keeper: Keeper, furnish: (building: Channel) => void): boolean {
  const building = `${root}/${passingName()}`;
  makeKept(building, keeper);
  try {
    furnish(channelAt(root, building));
    renameSync(building, path);
    return true;
  } catch (error) {
    removeChannel(building);
    if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(error) ?? '')) throw error;
    return false;
  }
}

function makePipes({ lobby, pulse }: Channel): void {
  mkfifo(lobby);
  mkfifo(pulse);
}

function channelAt(root: string, path: string): Channel {
  const named = (name: string) => `${path}/${name}`;
  return {
    root,
    path,
    lobby: named('lobby'),
    pulse: named('pulse'),
    leader: named('leader'),
    plan: named('plan'),
  };
}

/**
 * Makes a directory for files of a channel in another root, where the channel's own has no room. It has no pipes.
 *
 * @throws ChannelRefusedError  if there is something of that name already.
 * @throws Error                of the file system.
 */
export function openSpare(root: string, key: string, keeper: Keeper): Channel {
  openRoot(root);
  const path = channelPath(root, key);
  if (!build(root, path, keeper, () => undefined)) throw new ChannelRefusedError(path, 'is there already');
  return channelAt(root, path);
}

/** Removes a channel, and the root with it where no other job has a channel there. */
export function closeChannel(channel: Channel): void {
  removeChannel(channel.path);
  removeRoot(channel.root);
}

/**
 * Writes a small file in one piece: under another name, then renamed, so that nobody reads half of it.
 *
 * @throws Error  `ENOENT`: the channel is gone.
 */
export function publish(path: string, text: string): void {
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, text, { flag: 'wx', mode: 0o600 });
  renameSync(unfinished, path);
}

/** Makes the leader's mark. @returns false if there is one: somebody leads here, or did. */
export function claimLead(channel: Channel): boolean {
  try {
    writeFileSync(channel.leader, formatKeeper(currentKeeper()), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Renews the time of the leader's mark, by which those who hear nothing see that it lives. */
export function renewLead(channel: Channel): void {
  try {
    const now = new Date();
    utimesSync(channel.leader, now, now);
  } catch {
    // The channel was removed.
  }
}

/** When the leader's mark was made, or renewed last, in milliseconds; undefined if there is none. */
export function leadRenewed(channel: Channel): number | undefined {
  return statusAt(channel.leader)?.mtimeMs;
}

/** Creates a file that only we can open; never one that is there already. @returns a descriptor, read and write. */
export function createFile(path: string): number {
  return openSync(path, 'wx+', 0o600);
}

/**
 * Opens a file for reading, after a look at what it is.
 *
 * @throws ChannelRefusedError  unless it is a regular file of ours that nobody else can write to, under one name only.
 */
export function openFile(path: string): number {
  return openOurs(path, constants.O_RDONLY, constants.S_IFREG);
}

/**
 * Which lobby stands in a channel now, by its inode: none, or another one, after the channel was removed, and perhaps made anew by somebody
 * who came later.
 */
export function lobbyIn({ lobby }: Channel): number | undefined {
  return statusAt(lobby)?.ino;
}

/** Whether a name is there. */
export function isThere(path: string): boolean {
  return statusAt(path) !== undefined;
}
