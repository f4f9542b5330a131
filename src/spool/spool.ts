// The spool itself: a directory, 0700, that the wrapper makes before a job, reads after it, and removes.

import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { namesIn } from '../channel/place/index.js';
import { partSuffix } from './part.js';
import { type JoinRecord, parseRecord } from './record.js';

/** A node's part beyond this is left out: 1,000 ranks write a twentieth of it. */
const largestPart = 64 << 20;

/** What was in a spool. */
export interface Gathered {
  readonly records: readonly JoinRecord[];
  /** How many lines, or parts, were not understood. */
  readonly unread: number;
}

/**
 * Makes a spool. The wrapper locks its roll once the launcher runs: a spool that nobody has locked is swept.
 *
 * @throws Error  of mkdir(2) and open(2).
 */
export function makeSpool(path: string): void {
  mkdirSync(path, { mode: 0o700 });
  try {
    writeFileSync(join(path, 'roll'), '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    removeSpool(path);
    throw error;
  }
}

/** Reads all that ranks have left. What cannot be read is counted, and no more: a report is not what a job fails of. */
export function readSpool(path: string): Gathered {
  const records: JoinRecord[] = [];
  let unread = 0;
  for (const name of namesIn(path).filter((name) => name.endsWith(partSuffix))) {
    try {
      for (const line of readPart(join(path, name)).split('\n')) {
        const record = line === '' ? undefined : parseRecord(line);
        if (record !== undefined) records.push(record);
        else if (line !== '') unread++;
      }
    } catch {
      unread++;
    }
  }
  return { records, unread };
}

/** Removes a spool, whatever is in it. One that cannot be removed stays. */
export function removeSpool(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // Not ours to remove (EACCES, EPERM, EROFS).
  }
}

/** The spools in a folder, by their names: some of them may be those of dead wrappers. */
export function spoolsIn(folder: string, names: RegExp): string[] {
  return namesIn(folder)
    .filter((name) => names.test(name))
    .map((name) => join(folder, name));
}

function readPart(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Error(`${path} is not a regular file`);
    const bytes = Buffer.allocUnsafe(Math.min(stat.size, largestPart));
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(fd, bytes, length, bytes.length - length, length);
    }
    return bytes.toString('utf8', 0, length);
  } finally {
    closeSync(fd);
  }
}
