// Locks on bytes of a file. A lock belongs to the open file, ends with the last process that has the file
// open, and works across containers.

import { HwlocError } from './errors.js';
import { errnoName } from './errno.js';
import { koffi } from './koffi.js';
import { native } from './native.js';

// linux/fcntl.h, asm-generic/fcntl.h, asm-generic/errno-base.h: the same on all 64-bit Linux.
const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
const F_WRLCK = 1;
const F_UNLCK = 2;
const EACCES = 13;
const EAGAIN = 11;

/**
 * `struct flock`: short l_type, l_whence; off_t l_start, l_len (0: to the end of the file and beyond); pid_t
 * l_pid.
 */
const flock = new ArrayBuffer(32);
const types = new Int16Array(flock);
const places = new BigInt64Array(flock);
const pids = new Int32Array(flock);

/** Bytes of a file, from `start`. */
export interface Bytes {
  readonly start: number;
  readonly length: number;
}

/**
 * Locks bytes for writing, unless another open file holds a lock on one of them.
 *
 * @param fd  Open for writing. It must be close-on-exec: a child would keep the lock.
 * @returns whether this open file has the lock now.
 * @throws HwlocError  `ENOLCK`, `EINVAL`: the file system, or the kernel (before 3.15), has no such locks.
 * @see fcntl(2), F_OFD_SETLK
 */
export function lockBytes(fd: number, bytes: Bytes): boolean {
  if (control(fd, F_OFD_SETLK, F_WRLCK, bytes) === 0) return true;
  const errno = koffi.errno();
  if (errno === EAGAIN || errno === EACCES) return false;
  throw new HwlocError('fcntl', errnoName(errno));
}

/** Releases a lock. */
export function unlockBytes(fd: number, bytes: Bytes): void {
  control(fd, F_OFD_SETLK, F_UNLCK, bytes);
}

/**
 * A lock on some of these bytes that another open file holds; undefined if there is none. Costs a microsecond.
 *
 * @see fcntl(2), F_OFD_GETLK
 */
export function lockOnBytes(fd: number, bytes: Bytes): Bytes | undefined {
  if (control(fd, F_OFD_GETLK, F_WRLCK, bytes) !== 0) throw new HwlocError('fcntl', errnoName(koffi.errno()));
  if (types[0] === F_UNLCK) return undefined;
  return { start: Number(places[1]), length: Number(places[2]) };
}

function control(fd: number, command: number, type: number, { start, length }: Bytes): number {
  types[0] = type;
  types[1] = 0; // SEEK_SET
  places[1] = BigInt(start);
  places[2] = BigInt(length);
  pids[6] = 0; // must be 0
  return Number(native('fcntl')(fd, command, types));
}
