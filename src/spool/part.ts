// A node's part of a spool: one file, to which each rank of the node appends its lines. A file for every rank would be a burden
// to the file system that the nodes of a large job share.

import { constants, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { channelPath, ownUid } from '../channel/place/index.js';

const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;

/** What the parts' names end in. */
export const partSuffix = '.jsonl';

/** A rank's way into its node's part. */
export interface SpoolPart {
  /** Appends text in one write, so that lines of ranks do not mix. Where it cannot be written, it is lost. */
  append(text: string): void;
  close(): void;
}

/**
 * Opens a node's part; the first of its ranks to come makes it. Not on the event loop: the file system may be a slow one.
 *
 * @param spool  The directory, as {@link makeSpool} made it.
 * @param step   The name of those who meet on this node.
 * @throws Error  `ENOENT`: there is no such directory here, or no more; it may be one that the nodes do not share. Others of
 *                open(2). What stands there is not a file of this user alone.
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
        // The report does without it, and says so.
      }
    },
    close: () => void file.close().catch(() => undefined),
  };
}

/** @throws Error  for what somebody else may have put there. */
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
