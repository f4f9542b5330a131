// The line that the leader published last: the target of a symbolic link, so that it is read in one system call, never half, and
// takes no room even on a full file system.

import { renameSync, symlinkSync } from 'node:fs';
import { linkAt } from '../libc/index.js';
import { type Round, formatRound, parseRound } from './messages.js';
import { unlinkIfThere } from './removal.js';

/** A target of up to so many bytes takes no block of a tmpfs (mm/shmem.c, SHORT_SYMLINK_LEN). */
const shortBytes = 127;

/**
 * The round that is on now; undefined before the first leader.
 *
 * @throws ProtocolError  if it makes no sense.
 */
export function readRound(channel: string): Round | undefined {
  const line = linkAt(`${channel}/round`);
  return line === undefined ? undefined : parseRound(line);
}

/** Replaces it. @throws Error  of symlink(2) and rename(2): `ENOSPC`, `ENOENT` */
export function publishRound(channel: string, round: Round): void {
  const unfinished = `${channel}/round.new`;
  // A leader that died may have left it.
  unlinkIfThere(unfinished);
  symlinkSync(lineOf(round), unfinished);
  renameSync(unfinished, `${channel}/round`);
}

/** As short as it has to be for a full file system: a reason may be cut. */
function lineOf(round: Round): string {
  const line = formatRound(round);
  if (line.length <= shortBytes || round.verb !== 'fallback') return line;
  const most = round.reason.length - (line.length - shortBytes);
  return most > 20
    ? lineOf({ ...round, reason: round.reason.slice(0, most) })
    : formatRound({ ...round, reason: '' });
}
