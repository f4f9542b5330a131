// A channel: the directory in which the ranks of a node meet. The first rank makes it, and the last to leave
// removes it.

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
  /** Whether another process has this rank's byte. A visitor can read, but must not take part. */
  readonly isVisitor: boolean;
}

/**
 * How long to wait for a channel that is being removed. The removal takes microseconds, unless its process is
 * stopped.
 */
const removalMilliseconds = 1000;

/**
 * Enters the channel of a job on this node with a byte of its roll, and makes the channel if there is none. A
 * new channel is built under another name and then renamed, so that no rank sees an unfinished one. A process
 * that loses this race uses the winner's channel.
 *
 * @param roots   Where to look, best first.
 * @param byte    The local rank, or the owner's byte (roll.ts).
 * @param refuse  Told why a root cannot be used, before the next root is tried.
 * @param step    The job step, if its channel may have the same name as another step's channel; undefined if
 *   the step is not known.
 * @throws OtherStepError  the ranks of another step meet in the channel of this name.
 * @throws Error           for the last root, if no root can be used.
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

/** @returns undefined if the caller must try again. */
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
  // Another rank may have made the channel, even if a better root has room again by now.
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

/** Whether the channel belongs to a step. If it belongs to no step yet, this step takes it. */
function isOfStep(path: string, step: string): boolean {
  try {
    symlinkSync(step, `${path}/step`);
    return true;
  } catch (error) {
    // If the step cannot be written (ENOSPC), or the channel is being removed, nothing speaks against using
    // it.
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
    // From here on the channel is in use. Before this, another process may have removed it as the leftover of
    // a dead job.
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
 * Leaves a channel, and removes it if no process is in it any more.
 *
 * @param byte  The byte that was locked. A leader has already released the leader's byte.
 * @returns whether the channel was removed.
 */
export function leaveChannel({ root, path, roll, isVisitor }: Channel, byte: number): boolean {
  // First the own byte, then all bytes: if two processes leave at once, one of them finds all bytes free.
  if (!isVisitor) roll.drop(byte);
  const isLast = roll.takeAll();
  if (isLast) removeLocked(root, path);
  roll.close();
  return isLast;
}

/** Sleeps for a few milliseconds at most. This thread does nothing else meanwhile. */
function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
