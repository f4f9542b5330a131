// Roots: the directories that contain channels. BASE/hwloc-share-UID, only for this user.

import { type Stats, constants, lstatSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { codeOf } from '../../errors/index.js';
import { ChannelRefusedError } from './errors.js';

/** Roots by their numbers in the protocol: 1 to 4. Missing roots are undefined. */
export type NumberedRoots = readonly (string | undefined)[];

/**
 * Where this user's channels may be, each under its number in the protocol.
 *
 * @param asked      HWLOC_SHARE_DIR.
 * @param runtime    XDG_RUNTIME_DIR.
 * @param temporary  The directory for temporary files.
 */
export function numberedRoots(
  asked: string | undefined,
  runtime: string | undefined,
  temporary: string,
): NumberedRoots {
  const rootOf = (base: string | undefined) =>
    base === undefined || base === '' ? undefined : `${withoutSlash(base)}/hwloc-share-${ownUid()}`;
  return [undefined, rootOf(asked), rootOf('/dev/shm'), rootOf(runtime), rootOf(temporary)];
}

/** The same roots in order of preference, without duplicates. */
export function rootsOf(asked: string | undefined, runtime: string | undefined, temporary: string): string[] {
  return [...new Set(numberedRoots(asked, runtime, temporary))].filter((root) => root !== undefined);
}

function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? withoutSlash(path.slice(0, -1)) : path;
}

/** The effective user id of this process. */
export function ownUid(): number {
  return process.geteuid?.() ?? 0;
}

/**
 * Makes the root directory if it does not exist, and checks that it is safe to use.
 *
 * @throws ChannelRefusedError  if it exists and is not safe.
 * @throws Error                of mkdir(2): `ENOENT`, `EACCES`, `EROFS`, `ENOSPC`.
 */
export function openRoot(root: string): void {
  for (;;) {
    try {
      mkdirSync(root, { mode: 0o700 });
      return;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    try {
      checkDirectory(root);
      return;
    } catch (error) {
      // A job that ended has removed it since.
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
}

/**
 * Checks that a directory is safe to use.
 *
 * @param status  The status of the path, if already known.
 * @throws ChannelRefusedError  unless the path is a directory (not a link) of this user that no other user
 *   can enter.
 * @throws Error                of lstat(2), without `status`.
 */
export function checkDirectory(
  path: string,
  { mode, uid }: Pick<Stats, 'mode' | 'uid'> = lstatSync(path),
): void {
  const type = mode & constants.S_IFMT;
  // Its owner may be using it. This also holds if this process is root in a user namespace.
  if (uid !== ownUid()) throw new ChannelRefusedError(path, `belongs to user ${uid}`, 'none');
  if (type === constants.S_IFLNK) throw new ChannelRefusedError(path, 'is a symbolic link');
  if (type !== constants.S_IFDIR) throw new ChannelRefusedError(path, 'is not a directory');
  if ((mode & 0o077) !== 0) {
    const why = `is open to others (mode ${(mode & 0o777).toString(8)})`;
    throw new ChannelRefusedError(path, why, 'close');
  }
}

/** Why an existing root must not be used; undefined if it may be used, or does not exist. */
export function refusalOf(root: string): ChannelRefusedError | undefined {
  try {
    checkDirectory(root);
  } catch (error) {
    if (error instanceof ChannelRefusedError) return error;
  }
  return undefined;
}

/**
 * The directory of a job's channel on this node.
 *
 * Launchers name their jobs in many ways, so the key may contain any character. Each character except
 * letters, digits, `.`, `-`, `_` and `@` is replaced. A hash of the whole key then keeps apart keys that
 * would look alike.
 */
export function channelPath(root: string, key: string): string {
  return `${root}/${nameOf(key)}`;
}

function nameOf(key: string): string {
  if (/^[A-Za-z0-9_@-][A-Za-z0-9._@-]{0,119}$/.test(key)) return key;
  const plain = key.replace(/[^A-Za-z0-9._@-]/g, '_').replace(/^\./, '_');
  return `${plain.slice(0, 100)}-${fnv1a(key).toString(16).padStart(8, '0')}`;
}

/** FNV-1a over UTF-16 units, 32 bits: enough to keep the few jobs of one user on one node apart. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The names in a directory; an empty list if it does not exist or cannot be read. */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Removes the root if it is empty. If another job has a channel in it, it stays. */
export function removeRoot(root: string): void {
  try {
    rmdirSync(root);
  } catch {
    // Not empty, already removed, or no permission: nothing to do.
  }
}
