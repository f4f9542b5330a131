// The line that the leader published last. It is the target of a symbolic link: readers get it whole in one
// system call, and it takes no space even on a full file system.

import { renameSync, symlinkSync } from 'node:fs';
import { linkAt } from '../libc/index.js';
import { type Round, formatRound, parseRound } from './messages.js';
import { unlinkIfThere } from './removal.js';

/** A target up to this length takes no block of a tmpfs (mm/shmem.c, SHORT_SYMLINK_LEN). */
const shortBytes = 127;

/**
 * The current round; undefined before the first leader.
 *
 * @throws ProtocolError  if the line is invalid.
 */
export function readRound(channel: string): Round | undefined {
  const line = linkAt(`${channel}/round`);
  return line === undefined ? undefined : parseRound(line);
}

/** Replaces the round. @throws Error  of symlink(2) and rename(2): `ENOSPC`, `ENOENT` */
export function publishRound(channel: string, round: Round): void {
  const unfinished = `${channel}/round.new`;
  // A leader that died may have left this file.
  unlinkIfThere(unfinished);
  symlinkSync(lineOf(round), unfinished);
  renameSync(unfinished, `${channel}/round`);
}

/** The line of a round, shortened to fit on a full file system: the reason may be cut. */
function lineOf(round: Round): string {
  const line = formatRound(round);
  if (line.length <= shortBytes || round.verb !== 'fallback') return line;
  const most = round.reason.length - (line.length - shortBytes);
  return most > 20
    ? lineOf({ ...round, reason: round.reason.slice(0, most) })
    : formatRound({ ...round, reason: '' });
}
