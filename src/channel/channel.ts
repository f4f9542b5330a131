// A channel: the directory in which the ranks of one node meet. The first to arrive makes it, the last to leave removes it.

import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { linkAt, mkfifo, statusAt } from '../libc/index.js';
import { OtherStepError } from './errors.js';
import { ChannelRefusedError, channelPath, checkDirectory, openRoot, removeRoot } from './place/index.js';
import { codeOf } from '../errors/index.js';
import { isThere, removeDirectory, removeLocked, temporaryName } from './removal.js';
import { type Roll, createRoll, openRoll } from './roll.js';

/** A channel that this process has entered. */
export interface Channel {
  readonly root: string;
  readonly path: string;
  readonly roll: Roll;
  /** Whether another process has our byte: then we may look, and have no say. */
  readonly isVisitor: boolean;
}

/** How long a channel that is being removed is waited for. It takes microseconds, unless the remover is stopped. */
const removalMilliseconds = 1000;

/**
 * Enters the channel of a job on this node with a byte of its roll, and makes the channel if there is none. A channel is built
 * under another name and renamed into place, so that nobody sees half of it; a process that loses the race uses the winner's.
 *
 * @param roots   Where to look, best first.
 * @param byte    The local rank, or the owner's (roll.ts).
 * @param refuse  Is told why a root cannot be used, before the next is tried.
 * @param step    The job step, where its channel may have the name of another's; undefined if nobody can tell.
 * @throws OtherStepError  the ranks of another step meet in the channel of this name.
 * @throws Error           the last root's, if none can be used.
 */
export function enterChannel(
  roots: readonly string[],
  key: string,
  byte: number,
  refuse: (error: Error) => void = () => undefined,
  step?: string,
): Channel {
  const until = Date.now() + removalMilliseconds;
  for (;;) {
    const entered = tryToEnter(roots, key, byte, refuse, step);
    if (entered !== undefined) return entered;
    if (Date.now() > until) throw new Error('the channel of this job is still being removed after a second');
    sleep(1);
  }
}

/** @returns undefined if it has to be tried again. */
function tryToEnter(
  roots: readonly string[],
  key: string,
  byte: number,
  refuse: (error: Error) => void,
  step: string | undefined,
): Channel | undefined {
  let last: Error = new Error('there is no directory for a channel');
  const attempt = (enter: () => Channel | undefined): Channel | 'refused' | undefined => {
    try {
      return enter();
    } catch (error) {
      if (error instanceof OtherStepError) throw error;
      last = error instanceof Error ? error : new Error(String(error));
      if (last instanceof ChannelRefusedError) refuse(last);
      return 'refused';
    }
  };
  // Another rank may have made it, even if a better place has room again by now.
  const made = roots.filter((root) => isThere(channelPath(root, key)));
  for (const root of made) {
    const entered = attempt(() => enterMade(root, channelPath(root, key), byte, step));
    if (entered !== 'refused') return entered;
  }
  for (const root of roots.filter((root) => !made.includes(root))) {
    const entered = attempt(() => build(root, channelPath(root, key), byte, step));
    if (entered !== 'refused') return entered;
  }
  throw last;
}

function enterMade(root: string, path: string, byte: number, step?: string): Channel | undefined {
  for (const directory of [root, path]) {
    const status = statusAt(directory);
    if (status === undefined) return undefined;
    checkDirectory(directory, status);
  }
  if (step !== undefined && !isOfStep(path, step)) throw new OtherStepError(path);
  let roll: Roll;
  try {
    roll = openRoll(`${path}/roll`);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  const taken = roll.take(byte);
  if (taken !== 'leaving') return { root, path, roll, isVisitor: taken === 'held' };
  roll.close();
  return undefined;
}

/** Whether a step meets in a channel; if none does, this one does from now on. */
function isOfStep(path: string, step: string): boolean {
  try {
    symlinkSync(step, `${path}/step`);
    return true;
  } catch (error) {
    // Where it cannot be said (ENOSPC), or the channel is being removed, nothing speaks against it.
    return codeOf(error) !== 'EEXIST' || linkAt(`${path}/step`) === step;
  }
}

function build(root: string, path: string, byte: number, step?: string): Channel | undefined {
  openRoot(root);
  const unfinished = temporaryName(root, 'new');
  let roll: Roll | undefined;
  const giveUp = () => {
    roll?.close();
    removeDirectory(unfinished);
    removeRoot(root);
  };
  try {
    mkdirSync(unfinished, { mode: 0o700 });
    roll = createRoll(`${unfinished}/roll`);
    // From here on it is in use; before, another process may have removed it as the leftover of a dead job.
    if (roll.take(byte) !== 'taken') {
      giveUp();
      return undefined;
    }
    if (step !== undefined) isOfStep(unfinished, step);
    mkfifo(`${unfinished}/lobby`);
    mkfifo(`${unfinished}/gate.1`);
    renameSync(unfinished, path);
    return { root, path, roll: roll.renamed(`${path}/roll`), isVisitor: false };
  } catch (error) {
    giveUp();
    if (['ENOENT', 'EEXIST', 'ENOTEMPTY'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

/**
 * Leaves a channel, and removes it if nobody is in it any more.
 *
 * @param byte  What was locked; a leader has given its other byte back before.
 * @returns whether it was removed.
 */
export function leaveChannel({ root, path, roll, isVisitor }: Channel, byte: number): boolean {
  // First our own, then all: of two that leave at once, one finds everything free.
  if (!isVisitor) roll.drop(byte);
  const isLast = roll.takeAll();
  if (isLast) removeLocked(root, path);
  roll.close();
  return isLast;
}

/** Sleeps. Nothing else happens in this thread meanwhile: for a few milliseconds at most. */
function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
