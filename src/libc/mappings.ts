// Memory mappings: reserving address ranges and mapping files. Addresses are plain numbers (user space ends
// far below 2^53).

import { HwlocError } from './errors.js';
import { errnoName, invoke } from './errno.js';
import { koffi } from './koffi.js';
import { native } from './native.js';

// Linux, the same on x86-64, arm64, ppc64le, riscv64 and s390x: asm-generic/mman-common.h, bits/confname.h.
const PROT_NONE = 0;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MAP_FIXED_NOREPLACE = 0x100000;
const SC_PAGESIZE = 30;

let cachedPageSize: number | undefined;

/** Bytes in a page of this system: 4096, 16384 or 65536. @see sysconf(3), _SC_PAGESIZE */
export function pageSize(): number {
  return (cachedPageSize ??= invoke('sysconf', () => native('sysconf')(SC_PAGESIZE)));
}

/** A `PROT_NONE` mapping. As long as it exists, nothing else in the process is mapped in its range. */
export interface Reservation {
  readonly address: number;
  readonly length: number;
  /** Unmaps the range. Further calls do nothing. */
  release(): void;
}

/**
 * Reserves `[address, address + length)`. This uses address space, but no memory.
 *
 * @throws HwlocError  `EBUSY`: something is mapped there. `ENOMEM`: no address space is left (`ulimit -v`),
 *   or the address is beyond what a process may map.
 * @see mmap(2), MAP_FIXED_NOREPLACE (Linux 4.17; an older kernel takes the address as a hint, so the result
 *   is compared)
 */
export function reserve(address: number, length: number): Reservation {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
  koffi.errno(0);
  const mapped = Number(native('mmap')(address, length, PROT_NONE, flags, -1, 0));
  if (mapped === -1) {
    const code = errnoName(koffi.errno());
    throw new HwlocError('mmap', code === 'EEXIST' ? 'EBUSY' : code);
  }
  let held = true;
  const release = () => {
    if (held) invoke('munmap', () => native('munmap')(mapped, length));
    held = false;
  };
  if (mapped !== address) {
    release();
    throw new HwlocError('mmap', 'EBUSY');
  }
  return { address, length, release };
}

/**
 * Maps new memory, all zero, at an address where nothing is mapped yet.
 *
 * @returns whether this call mapped it. If several threads try at once, one succeeds.
 * @see mmap(2), MAP_FIXED_NOREPLACE
 */
export function mapNew(address: number, length: number): boolean {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  const mapped = Number(native('mmap')(address, length, PROT_READ | PROT_WRITE, flags, -1, 0));
  if (mapped !== -1 && mapped !== address) unmap(mapped, length);
  return mapped === address;
}

/**
 * Maps the first bytes of a file at any free address. All processes that map the file share its pages. A
 * write changes a private copy of the page in this process only.
 *
 * @returns the address.
 * @throws HwlocError  `ENOMEM`: no address space is left (`ulimit -v`), or the system does not promise the
 *   memory for the possible copies (`vm.overcommit_memory=2`).
 * @see mmap(2), MAP_PRIVATE
 */
export function mapPrivately(fd: number, length: number): number {
  const flags = MAP_PRIVATE | MAP_NORESERVE;
  return invoke('mmap', () => native('mmap')(0, length, PROT_READ | PROT_WRITE, flags, fd, 0));
}

/**
 * Maps a part of a file over whatever is mapped in a range. As with {@link mapPrivately}, a write changes a
 * private copy of the page.
 *
 * @throws HwlocError  `ENOMEM`.
 * @see mmap(2), MAP_FIXED
 */
export function mapPrivatelyAt(address: number, length: number, fd: number, offset: number): void {
  const flags = MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED;
  invoke('mmap', () => native('mmap')(address, length, PROT_READ | PROT_WRITE, flags, fd, offset));
}

/** Unmaps a range. @see munmap(2) */
export function unmap(address: number, length: number): void {
  invoke('munmap', () => native('munmap')(address, length));
}

/** Makes a mapped range read-only. @see mprotect(2) */
export function makeReadOnly(address: number, length: number): void {
  invoke('mprotect', () => native('mprotect')(address, length, PROT_READ));
}

/** Makes a mapped range readable and writable. @see mprotect(2) */
export function makeWritable(address: number, length: number): void {
  invoke('mprotect', () => native('mprotect')(address, length, PROT_READ | PROT_WRITE));
}
