// Files: the status of a path, text into a pipe, FIFOs, room on a file system. Node compiles its own
// lstatSync(), fstatSync(), Buffer.from() and writeSync() at their first call. That takes a new process about
// a millisecond; the functions here take a tenth of that.

import { type Stats, fstatSync, lstatSync } from 'node:fs';
import { HwlocError } from './errors.js';
import { errnoName, invoke } from './errno.js';
import { koffi } from './koffi.js';
import { native } from './native.js';

/**
 * The fields of a file's status that this project uses, as in node:fs. `mode` includes the file type.
 * `mtimeMs` is in whole milliseconds.
 */
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

/** `struct statx`, as words of each size that its fields have. All calls use the same buffer. */
const words16 = new Uint16Array(128);
const words32 = new Uint32Array(words16.buffer);
const words64 = new BigUint64Array(words16.buffer);

/**
 * The status of whatever is at a path; undefined if nothing is there. Links are not followed.
 *
 * @throws Error  of node:fs: `EACCES`, `ENOTDIR`, `ELOOP`, `ENAMETOOLONG`.
 * @see statx(2)
 */
export function statusAt(path: string): Status | undefined {
  if (native('statx')(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, words16) === 0) return status();
  if (koffi.errno() === ENOENT) return undefined;
  // A sandbox may not allow statx(). For any other failure, Node's own error says what is wrong.
  return lstatSync(path, { throwIfNoEntry: false });
}

/**
 * The status of the file that a descriptor refers to.
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
 * Writes text to a non-blocking descriptor.
 *
 * @param text  ASCII only, without NUL.
 * @returns how many characters were written: 0 if there is no room.
 * @throws HwlocError  `EPIPE`: nobody has the pipe open for reading any more.
 * @see write(2)
 */
export function writeText(fd: number, text: string): number {
  const written = Number(native('write')(fd, text, text.length));
  if (written >= 0) return written;
  const errno = koffi.errno();
  if (errno === EAGAIN) return 0;
  throw new HwlocError('write', errnoName(errno));
}

/** Receives the target of a link. All calls use the same buffer. */
const target = Buffer.alloc(4096);

/**
 * The target of a symbolic link; undefined if there is no link of that name.
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
 * Makes a FIFO with mode 0600. (The umask can only take bits away.)
 *
 * @throws HwlocError  `EEXIST`: the name is taken. `ENOENT`, `EACCES`, `ENOSPC`: about the directory.
 * @see mkfifo(3). This call takes 17 µs; running mkfifo(1) takes 2 to 3 ms.
 */
export function mkfifo(path: string): void {
  invoke('mkfifo', () => native('mkfifo')(path, 0o600), {
    EEXIST: `${path} exists already: choose another name`,
    ENOENT: `the directory of ${path} is not there`,
  });
}

/**
 * Allocates `[offset, offset + length)` of a file, so that no later write to a mapping of this range can
 * raise SIGBUS.
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

// asm-generic/fcntl.h
const O_CLOEXEC = 0o2000000;

/** A pipe, whose ends are close-on-exec. @throws HwlocError  `EMFILE`. @see pipe2(2) */
export function openPipe(): { readonly reader: number; readonly writer: number } {
  const ends = new Int32Array(2);
  invoke('pipe2', () => native('pipe2')(ends, O_CLOEXEC));
  return { reader: ends[0] ?? -1, writer: ends[1] ?? -1 };
}
