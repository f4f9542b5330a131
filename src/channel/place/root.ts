// The directories: <base>/hwloc-share-<uid>/<job key>, ours alone.

import { type Stats, constants, lstatSync, mkdirSync, renameSync, rmSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ChannelRefusedError } from './errors.js';
import { passingName } from './passing.js';

/**
 * Where this user's channels may be, in order of preference: the directory asked for, memory-backed ones, any other.
 *
 * @param asked      HWLOC_SHARE_DIR.
 * @param runtime    XDG_RUNTIME_DIR.
 * @param temporary  The directory for temporary files.
 */
export function rootsOf(asked: string | undefined, runtime: string | undefined, temporary: string): string[] {
  const bases = [asked, '/dev/shm', runtime, temporary].filter(
    (base): base is string => base !== undefined && base !== '',
  );
  return [...new Set(bases.map(withoutSlash))].map((base) => `${base}/hwloc-share-${ownUid()}`);
}

/** By hand, here and below: Node's path.join() looks at each character, in code that has not run before. */
function withoutSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? withoutSlash(path.slice(0, -1)) : path;
}

/** The user we act as. */
export function ownUid(): number {
  return process.geteuid?.() ?? 0;
}

/**
 * Makes sure that the root directory is there, is a directory and not a link, is ours, and is closed to others.
 *
 * @throws ChannelRefusedError  if it is there but is not that.
 * @throws Error                of mkdir(2): `ENOENT`, `EACCES`, `EROFS`, `ENOSPC`.
 */
export function openRoot(root: string): void {
  try {
    mkdirSync(root, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  checkDirectory(root);
}

/**
 * Checks a directory into which we are to trust.
 *
 * @param status  What stands there, where that has been looked at.
 * @throws ChannelRefusedError  unless the path is a directory (no link) of ours that nobody else can enter.
 * @throws Error                of lstat(2), without `status`.
 */
export function checkDirectory(
  path: string,
  { mode, uid }: Pick<Stats, 'mode' | 'uid'> = lstatSync(path),
): void {
  const type = mode & constants.S_IFMT;
  // Whoever it belongs to may be using it: also where this process acts as root, in a user namespace.
  if (uid !== ownUid()) throw new ChannelRefusedError(path, `belongs to user ${uid}`, 'none');
  if (type === constants.S_IFLNK) throw new ChannelRefusedError(path, 'is a symbolic link');
  if (type !== constants.S_IFDIR) throw new ChannelRefusedError(path, 'is not a directory');
  if ((mode & 0o077) !== 0) {
    const why = `is open to others (mode ${(mode & 0o777).toString(8)})`;
    throw new ChannelRefusedError(path, why, 'close');
  }
}

/** Why a root that is there must not be used; undefined where it may, or is not there. */
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
 * The key may hold whatever a launcher calls its jobs: what is not a plain letter, digit, `.`, `-`, `_`, `@` is replaced, and
 * where that or the length made two keys alike, a hash of the whole keeps them apart.
 */
export function channelPath(root: string, key: string): string {
  if (key !== last.key) last = { key, name: nameOf(key) };
  return `${root}/${last.name}`;
}

/** The key of which the name was asked last: a rank asks for one again and again. */
let last = { key: '', name: '' };

function nameOf(key: string): string {
  if (/^[A-Za-z0-9_@-][A-Za-z0-9._@-]{0,119}$/.test(key)) return key;
  const plain = key.replace(/[^A-Za-z0-9._@-]/g, '_').replace(/^\./, '_');
  return `${plain.slice(0, 100)}-${hash(key)}`;
}

/**
 * Removes a channel and all in it. One that is gone already is no error, and one that cannot be removed stays: it must not
 * be what a job fails of.
 *
 * It is renamed first: nobody finds half of it, and where we are killed at this, the next sweep still knows what it was.
 */
export function removeChannel(path: string): void {
  let leaving = join(dirname(path), passingName());
  try {
    renameSync(path, leaving);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    leaving = path;
  }
  try {
    rmSync(leaving, { recursive: true, force: true });
  } catch {
    // Not ours to remove (EACCES, EPERM, EROFS).
  }
}

/** Removes the root if nothing is in it; where another job has its channel there, it stays. */
export function removeRoot(root: string): void {
  try {
    rmdirSync(root);
  } catch {
    // Not empty, or gone, or not ours to remove: all are as they should be.
  }
}

/** The code of a file system error, or undefined. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** FNV-1a over UTF-16 units, 32 bits: enough to keep the few jobs of one user on one node apart. */
function hash(text: string): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h >>> 0).toString(16).padStart(8, '0');
}
