// A spool: a directory, mode 0700, that the wrapper makes before a job, reads after the job, and removes.

import { constants, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIn } from '../channel/place/index.js';
import { codeOf } from '../errors/index.js';
import { partSuffix } from './part.js';
import { type JoinRecord, parseRecord } from './record.js';

/** The largest part that is read: 1,000 ranks write a twentieth of it. */
const largestPart = 64 << 20;

/** The contents of a spool. */
export interface Gathered {
  readonly records: readonly JoinRecord[];
  /** How many lines or parts could not be read. */
  readonly unread: number;
}

/**
 * What stands in the roll of a directory that its maker has not locked yet: another job's sweep leaves it alone for ten seconds. All other
 * rolls are empty.
 */
const unclaimed = 'not locked yet\n';

/**
 * Makes a spool. The wrapper locks its roll once the launcher runs. Later, a spool without a lock is removed by the next sweep.
 *
 * @throws Error  of mkdir(2) and open(2).
 */
export function makeSpool(path: string): void {
  for (let tries = 1; ; tries++) {
    mkdirSync(path, { mode: 0o700 });
    try {
      writeFileSync(join(path, 'roll'), unclaimed, { flag: 'wx', mode: 0o600 });
      return;
    } catch (error) {
      removeSpool(path);
      // A sweep has removed the directory before the roll was in it.
      if (codeOf(error) !== 'ENOENT' || tries === 3) throw error;
    }
  }
}

/** Runs something at once, or when fewer are under way. */
export type Limit = <Result>(body: () => Promise<Result>) => Promise<Result>;

/**
 * Reads everything that ranks have left. Unreadable parts are only counted: no job fails because of its report.
 *
 * @param limited  Bounds how many parts are read at once: each node has one, and the file system may be a slow one.
 */
export async function readSpool(path: string, limited: Limit): Promise<Gathered> {
  const names = namesIn(path).filter((name) => name.endsWith(partSuffix));
  const parts = await Promise.all(names.map((name) => limited(() => gather(join(path, name)))));
  return {
    records: parts.flatMap(({ records }) => records),
    unread: parts.reduce((sum, { unread }) => sum + unread, 0),
  };
}

async function gather(file: string): Promise<Gathered> {
  const records: JoinRecord[] = [];
  let unread = 0;
  try {
    for (const line of (await readPart(file)).split('\n')) {
      const record = line === '' ? undefined : parseRecord(line);
      if (record !== undefined) records.push(record);
      else if (line !== '') unread++;
    }
  } catch {
    unread++;
  }
  return { records, unread };
}

/** Removes a spool with all its contents. A spool that cannot be removed stays. */
export function removeSpool(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // No permission (EACCES, EPERM, EROFS).
  }
}

/** The spools in a directory, by their names. Some may belong to dead wrappers. */
export function spoolsIn(folder: string, names: RegExp): string[] {
  return namesIn(folder)
    .filter((name) => names.test(name))
    .map((name) => join(folder, name));
}

async function readPart(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error(`${path} is not a regular file`);
    const bytes = Buffer.allocUnsafe(Math.min(stat.size, largestPart));
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      ({ bytesRead: read } = await file.read(bytes, length, bytes.length - length, length));
    }
    return bytes.toString('utf8', 0, length);
  } finally {
    await file.close();
  }
}
