// A node's part of a spool: one file, to which each rank of the node appends its lines. One file for each
// rank would be a burden on the shared file system of a large job.

import { constants, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { channelPath, ownUid } from '../channel/place/index.js';

const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;

/** The suffix of the parts' names. */
export const partSuffix = '.jsonl';

/** An open part, for one rank. */
export interface SpoolPart {
  /**
   * Appends text in one write, so that the lines of several ranks do not mix. If the write fails, the text is
   * lost.
   */
  append(text: string): void;
  close(): void;
}

/**
 * Opens a node's part; the first rank makes it. Asynchronous, because the file system may be slow.
 *
 * @param spool  The directory, from {@link makeSpool}.
 * @param step   The name that the ranks of this node share.
 * @throws Error  `ENOENT`: the directory does not exist on this node; perhaps the nodes do not share it.
 *   Other errors of open(2). Also if the file can be accessed by another user.
 */
export async function openPart(spool: string, step: string): Promise<SpoolPart> {
  const path = channelPath(spool, step) + partSuffix;
  const file = await open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  try {
    await check(file, path);
  } catch (error) {
    void file.close().catch(() => undefined);
    throw error;
  }
  return {
    append: (text) => {
      try {
        writeSync(file.fd, text);
      } catch {
        // The report does without this text, and says so.
      }
    },
    close: () => void file.close().catch(() => undefined),
  };
}

/** @throws Error  for a file that another user may have put there. */
async function check(file: FileHandle, path: string): Promise<void> {
  const { uid, mode, nlink, isFile } = await statOf(file);
  if (!isFile || uid !== ownUid() || (mode & 0o077) !== 0 || nlink !== 1) {
    throw new Error(`${path} is not a file of this user alone`);
  }
}

async function statOf(file: FileHandle) {
  const stat = await file.stat();
  return { uid: stat.uid, mode: stat.mode, nlink: stat.nlink, isFile: stat.isFile() };
}
