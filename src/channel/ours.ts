// Opening a file or FIFO of ours, after a look at what it is: somebody else may have been there first.

import { closeSync, constants, openSync } from 'node:fs';
import { statusOf } from '../libc/index.js';
import { ChannelRefusedError, ownUid } from './place/index.js';

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY, S_IFIFO, S_IFMT, S_IFREG } = constants;

/**
 * Opens a file or a FIFO of ours, non-blocking; a link is not followed (ELOOP).
 *
 * @param type  S_IFREG or S_IFIFO.
 * @throws ChannelRefusedError  unless it is that, belongs to us, and nobody else can open it; a file that is written to must have one
 *                              name only.
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

/** Creates a file that only we can open; never one that is there already. @returns a descriptor, read and write. */
export function createFile(path: string): number {
  return openSync(path, 'wx+', 0o600);
}

/**
 * Opens a file for reading, after a look at what it is.
 *
 * @throws ChannelRefusedError  unless it is a regular file of ours that nobody else can write to. A kept topology has several names.
 */
export function openFile(path: string): number {
  return openOurs(path, O_RDONLY, S_IFREG);
}
