// Opening what stands at a name of ours, after a look at what it is: somebody else may have been there first.

import { closeSync, constants, openSync } from 'node:fs';
import { statusOf } from '../hwloc/index.js';
import { ChannelRefusedError, ownUid } from './place/index.js';

const { O_NOFOLLOW, O_NONBLOCK, S_IFIFO, S_IFMT, S_IFREG } = constants;

/**
 * Opens a file or a FIFO of ours, non-blocking; a link is not followed (ELOOP).
 *
 * @param type  S_IFREG or S_IFIFO.
 * @throws ChannelRefusedError  unless it is that, belongs to us, and nobody else can open it; a file must have one name only.
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
          : type === S_IFREG && nlink > 1
            ? 'has another name, too'
            : undefined;
  if (refusal === undefined) return fd;
  closeSync(fd);
  throw new ChannelRefusedError(path, refusal, uid === ownUid() ? 'remove' : 'none');
}
