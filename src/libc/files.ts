// Files: what stands at a path, text into a pipe, FIFOs, room on a file system. Node compiles its own lstatSync(), fstatSync(), Buffer.from() and writeSync() when
// they are first called, which takes a process that has just started a millisecond; these take a tenth of that.

import { type Stats, fstatSync, lstatSync } from 'node:fs';
import { HwlocError } from './errors.js';
import { errnoName, invoke } from './errno.js';
import { koffi } from './koffi.js';
import { native } from './native.js';

/** What we look at of a file, as node:fs has it: `mode` holds the type as well, and `mtimeMs` whole milliseconds. */
export type Status = Pick<Stats, 'mode' | 'uid' | 'nlink' | 'ino' | 'size' | 'mtimeMs'>;

// linux/fcntl.h, linux/stat.h, asm-generic/errno-base.h: the same on all of Linux.
const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const STATX_BASIC_STATS = 0x7ff;
const ENOENT = 2;
const EAGAIN = 11;
const EINVAL = 22;
// linux/memfd.h
const MFD_CLOEXEC = 1;

/** `struct statx`, in words of each size that its fields have: one for all calls. */
const words16 = new Uint16Array(128);
const words32 = new Uint32Array(words16.buffer);
const words64 = new BigUint64Array(words16.buffer);

/**
 * What stands at a path; a link is not followed. undefined: nothing does.
 *
 * @throws Error  of node:fs: `EACCES`, `ENOTDIR`, `ELOOP`, `ENAMETOOLONG`.
 * @see statx(2)
 */
export function statusAt(path: string): Status | undefined {
  if (native('statx')(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, words16) === 0) return status();
  if (koffi.errno() === ENOENT) return undefined;
  // A sandbox may know no statx(). If it is anything else, this says what, in Node's words.
  return lstatSync(path, { throwIfNoEntry: false });
}

/**
 * What a descriptor is open for.
 *
 * @throws Error  of node:fs: `EBADF`.
 * @see statx(2)
 */
export function statusOf(fd: number): Status {
  if (native('statx')(fd, '', AT_EMPTY_PATH, STATX_BASIC_STATS, words16) === 0) return status();
  return fstatSync(fd);
}

function status(): Status {
  return {
    nlink: words32[4] ?? 0,
    uid: words32[5] ?? 0,
    mode: words16[14] ?? 0,
    ino: Number(words64[4]),
    size: Number(words64[5]),
    mtimeMs: Number(words64[14]) * 1000 + Math.floor((words32[30] ?? 0) / 1_000_000),
  };
}

/**
 * Writes text to a descriptor that does not block.
 *
 * @param text  ASCII alone, and no NUL.
 * @returns how many of its characters were taken: 0 if there is no room.
 * @throws HwlocError  `EPIPE`: nobody can read it any more.
 * @see write(2)
 */
export function writeText(fd: number, text: string): number {
  const written = Number(native('write')(fd, text, text.length));
  if (written >= 0) return written;
  const errno = koffi.errno();
  if (errno === EAGAIN) return 0;
  throw new HwlocError('write', errnoName(errno));
}

/** A target is read into it: one for all calls. */
const target = Buffer.alloc(4096);

/**
 * Where a symbolic link points to, as text; undefined where there is no link of that name.
 *
 * @throws HwlocError  `EACCES`, `ENOTDIR`, ...
 * @see readlink(2)
 */
export function linkAt(path: string): string | undefined {
  const length = Number(native('readlink')(path, target, target.length));
  if (length >= 0) return target.toString('latin1', 0, length);
  const errno = koffi.errno();
  if (errno === ENOENT || errno === EINVAL) return undefined;
  throw new HwlocError('readlink', errnoName(errno));
}

/**
 * Makes a FIFO, mode 0600 whatever the umask (which can only take bits away).
 *
 * @throws HwlocError  `EEXIST`: the name is taken. `ENOENT`, `EACCES`, `ENOSPC`: of the directory.
 * @see mkfifo(3). In-process it takes 17 µs; as a child process 2 to 3 ms.
 */
export function mkfifo(path: string): void {
  invoke('mkfifo', () => native('mkfifo')(path, 0o600), {
    EEXIST: `${path} exists already: choose another name`,
    ENOENT: `the directory of ${path} is not there`,
  });
}

/**
 * Allocates `[offset, offset + length)` of a file, so that no later write to a mapping of it can raise SIGBUS.
 *
 * @throws HwlocError  `ENOSPC`: the file system, or the quota, has no room for `length` bytes.
 * @see posix_fallocate(3), which returns the errno instead of setting it
 */
export function allocate(fd: number, offset: number, length: number): void {
  const errno = Number(native('posix_fallocate')(fd, offset, length));
  if (errno !== 0) throw new HwlocError('posix_fallocate', errnoName(errno));
}

/** An anonymous file in memory, close-on-exec. @returns its descriptor. @see memfd_create(2) */
export function anonymousFile(name: string): number {
  return invoke('memfd_create', () => native('memfd_create')(name, MFD_CLOEXEC));
}
