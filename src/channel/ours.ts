// Creates and opens files and FIFOs that only this user can access. Opening checks this: another user may
// have been there first.

import { closeSync, constants, openSync } from 'node:fs';
import { statusOf } from '../libc/index.js';
import { ChannelRefusedError, ownUid } from './place/index.js';

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY, S_IFIFO, S_IFMT, S_IFREG } = constants;

/**
 * Opens a file or a FIFO of this user, non-blocking. Links are not followed (ELOOP).
 *
 * @param type  S_IFREG or S_IFIFO.
 * @throws ChannelRefusedError  if it is of another type, belongs to another user, or another user can open
 *   it; also if it is opened for writing and has more than one name.
 * @throws Error                of open(2).
 */
export function openOurs(path: string, access: number, type: number): number {
  const fd = openSync(path, access | O_NONBLOCK | O_NOFOLLOW);
  const { mode, uid, nlink } = statusOf(fd);
  const refusal =
    (mode & S_IFMT) !== type
      ? `is not a ${type === S_IFIFO ? 'FIFO' : 'regular file'}`
      : uid !== ownUid()
        ? `belongs to user ${uid}`
        : (mode & 0o077) !== 0
          ? 'is open to others'
          : type === S_IFREG && access !== O_RDONLY && nlink > 1
            ? 'has another name, too'
            : undefined;
  if (refusal === undefined) return fd;
  closeSync(fd);
  throw new ChannelRefusedError(path, refusal, uid === ownUid() ? 'remove' : 'none');
}

/**
 * Creates a file that only this user can open. Fails if the name exists. @returns a descriptor, read and
 * write.
 */
export function createFile(path: string): number {
  return openSync(path, 'wx+', 0o600);
}

/**
 * Opens a file for reading, after checking what it is.
 *
 * @throws ChannelRefusedError  unless it is a regular file of this user that no other user can write to. A
 *   kept topology has several names.
 */
export function openFile(path: string): number {
  return openOurs(path, O_RDONLY, S_IFREG);
}
