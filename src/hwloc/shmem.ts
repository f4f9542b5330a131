// The three functions of hwloc/shmem.h. They also keep the promises of that header that the library itself
// does not keep.

import { closeSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import {
  HwlocError,
  statusOf,
  invoke,
  allocate,
  anonymousFile,
  makeReadOnly,
  makeWritable,
  mapPrivatelyAt,
  native,
  pageSize,
} from '../libc/index.js';
import { abiOf, libhwloc, withoutPlugins } from './ffi/library.js';

/**
 * The location of a written topology: its file, its offset in the file, and its virtual address in every
 * process.
 */
export interface Segment {
  /**
   * An open descriptor; the writer needs read and write access. Do not share it with another process:
   * adopting moves its position.
   */
  readonly fd: number;
  /** Bytes into the file, a multiple of the page size. */
  readonly offset: number;
  /** Virtual address, a multiple of the page size. */
  readonly address: number;
  /** Bytes, as given by `sharedLength()` of the topology. */
  readonly length: number;
}

/** libhwloc's `hwloc_topology_t`. Stays in this folder. */
export type TopologyPointer = number;

/**
 * struct hwloc_shmem_header: version and length (4 bytes each), address and length of the mapping (8 bytes
 * each).
 */
const headerBytes = 24;

/**
 * The bytes that {@link shmemWrite} needs for a topology, a multiple of the page size.
 *
 * @param flags  hwloc has none yet; must be 0.
 * @throws HwlocError  `EINVAL`: flags are not 0. `ENOMEM`.
 * @see hwloc_shmem_topology_get_length()
 */
export function shmemLength(topology: TopologyPointer, flags = 0): number {
  const length = [0];
  invoke('hwloc_shmem_topology_get_length', () =>
    libhwloc().native('hwloc_shmem_topology_get_length')(topology, length, flags),
  );
  return length[0] ?? 0;
}

/**
 * Writes a topology into a file, laid out for one virtual address in every process that adopts it, and seals
 * it: adopters can make all queries without writing to its pages.
 *
 * The range `[address, address + length)` is mapped in this process during the call only. The file is
 * complete when the call returns; nobody may open it before that. Bytes of the file before and after the
 * topology are kept.
 *
 * Blocks while it copies the topology (about 1 ms for each MB).
 *
 * @param topology  Must not have changed since {@link shmemLength}, and must not be an adopted one.
 * @throws HwlocError  `EBUSY`: something is mapped in the range. Choose another address. `EINVAL`: flags are
 *   not 0; offset, address or length is not a multiple of the page size. `ENOSPC`: the file system cannot
 *   hold `length` bytes.
 * @see hwloc_shmem_topology_write()
 */
export function shmemWrite(topology: TopologyPointer, segment: Segment, flags = 0): void {
  const name = 'hwloc_shmem_topology_write';
  // The library answers EBUSY, not EINVAL, to an unaligned address, and does not check the length at all.
  checkAlignment(name, segment);
  const end = segment.offset + segment.length;
  const { size } = statusOf(segment.fd);
  // The library truncates the file at the end of what it writes. Another topology after that would be lost,
  // and SIGBUS would kill the processes that have adopted it. So this topology is first written to another
  // file. (The offset is not part of what is written.)
  if (size > end) writeByCopy(topology, segment, flags);
  else writeInPlace(topology, segment, size, flags);
}

function writeInPlace(topology: TopologyPointer, segment: Segment, sizeBefore: number, flags: number): void {
  const { fd, offset, address, length } = segment;
  // The library writes through a mapping. There, a full file system causes SIGBUS instead of ENOSPC.
  allocate(fd, offset, length);
  try {
    invoke('hwloc_shmem_topology_write', () =>
      libhwloc().native('hwloc_shmem_topology_write')(topology, fd, offset, address, length, flags),
    );
    seal(segment);
  } catch (error) {
    ftruncateSync(fd, sizeBefore);
    throw error;
  }
}

function writeByCopy(topology: TopologyPointer, segment: Segment, flags: number): void {
  const aside = anonymousFile('hwloc-share');
  try {
    writeInPlace(topology, { ...segment, fd: aside, offset: 0 }, 0, flags);
    allocate(segment.fd, segment.offset, segment.length);
    const bytes = Buffer.allocUnsafe(segment.length);
    for (let done = 0; done < bytes.length;) {
      const read = readSync(aside, bytes, done, bytes.length - done, done);
      if (read === 0) throw new HwlocError('read', 'EIO', 'the file in memory was cut short');
      done += read;
    }
    for (let done = 0; done < bytes.length;) {
      done += writeSync(segment.fd, bytes, done, bytes.length - done, segment.offset + done);
    }
  } finally {
    closeSync(aside);
  }
}

/**
 * Makes a freshly written topology safe to query read-only.
 *
 * hwloc 2.3 to 2.15 leave the caches of the memory attributes unfilled in what write() writes. The first
 * query of an adopter would fill them, on a read-only page (SIGSEGV). This function fills them once, through
 * a writable mapping of the file. Before hwloc 2.3 there are no memory attributes, so there is nothing to do.
 *
 * @see hwloc_topology_refresh()
 */
function seal(segment: Segment): void {
  if (!libhwloc().has('hwloc_topology_refresh')) return;
  const topology = shmemAdopt(segment);
  try {
    makeWritable(segment.address, segment.length);
    invoke('hwloc_topology_refresh', () => libhwloc().native('hwloc_topology_refresh')(topology));
  } finally {
    libhwloc().native('hwloc_topology_destroy')(topology);
  }
}

/**
 * Declares all functions that `adoptTopology()` and the release of a reservation call. Each declaration takes
 * 20 to 50 µs. A rank does this while it waits for the file.
 */
export function prepareToAdopt(): void {
  native('munmap');
  pageSize();
  libhwloc().native('hwloc_shmem_topology_adopt');
}

/**
 * Maps a written topology, read-only, at the address that it was written for.
 *
 * Takes about 50 µs for a topology of any size. The descriptor may be closed afterwards.
 * hwloc_topology_destroy() unmaps the topology.
 *
 * @throws HwlocError  `EBUSY`: something is mapped in the range. `EINVAL`: flags are not 0; offset, address
 *   or length is not a multiple of the page size; they, or the file, differ from those of {@link shmemWrite};
 *   the file is shorter than it should be; or the writer's libhwloc has another ABI.
 * @see hwloc_shmem_topology_adopt()
 */
export function shmemAdopt(segment: Segment, flags = 0): TopologyPointer {
  const name = 'hwloc_shmem_topology_adopt';
  checkAlignment(name, segment);
  const { fd, offset, address, length } = segment;
  // The library does not notice that a file was truncated, and the process dies when it reads beyond the end.
  const { size } = statusOf(fd);
  if (size < offset + length || length < headerBytes) {
    throw new HwlocError(name, 'EINVAL', `the file has ${size} bytes, and ${offset + length} are needed`);
  }
  const topology = [0];
  withoutPlugins(() =>
    invoke(name, () => libhwloc().native(name)(topology, fd, offset, address, length, flags), {
      EINVAL: 'file, offset, address, length or ABI are not those that the topology was written with',
    }),
  );
  return topology[0] ?? 0;
}

/**
 * Maps a topology as {@link shmemAdopt} does, also a topology that another program wrote and did not seal.
 * The few pages that a query would write to are copied for this process, and filled here.
 *
 * @throws HwlocError  as {@link shmemAdopt}. `ENOMEM`.
 * @see hwloc_topology_refresh()
 */
export function shmemAdoptUnsealed(segment: Segment): TopologyPointer {
  const topology = shmemAdopt(segment);
  const { has, native: hwloc } = libhwloc();
  if (!has('hwloc_topology_refresh')) return topology;
  const { fd, offset, address, length } = segment;
  try {
    mapPrivatelyAt(address, length, fd, offset);
    invoke('hwloc_topology_refresh', () => hwloc('hwloc_topology_refresh')(topology));
    makeReadOnly(address, length);
    return topology;
  } catch (error) {
    hwloc('hwloc_topology_destroy')(topology);
    throw error;
  }
}

/**
 * The ABI word of a written topology, read from the file. It follows the header, at the start of the
 * topology.
 *
 * @see {@link abi}
 */
export function shmemAbi(segment: Pick<Segment, 'fd' | 'offset'>): number {
  const word = Buffer.alloc(4);
  readSync(segment.fd, word, 0, 4, segment.offset + headerBytes);
  return new Uint32Array(word.buffer, word.byteOffset, 1)[0] ?? 0;
}

/** What the header of a file says about the topology in it. */
export interface Written {
  readonly address: number;
  readonly length: number;
  readonly abi: number;
}

/**
 * Reads the header at the beginning of a file. It gives the address at which the topology must be mapped.
 *
 * @returns undefined for a file that is too short.
 * @see struct hwloc_shmem_header in hwloc/shmem.c
 */
export function writtenIn(fd: number): Written | undefined {
  const words = new BigUint64Array(headerBytes / 8);
  if (readSync(fd, new Uint8Array(words.buffer), 0, headerBytes, 0) < headerBytes) return undefined;
  return { address: Number(words[1]), length: Number(words[2]), abi: shmemAbi({ fd, offset: 0 }) };
}

function checkAlignment(name: string, segment: Segment): void {
  const page = pageSize();
  for (const key of ['offset', 'address', 'length'] as const) {
    if (segment[key] % page !== 0) {
      throw new HwlocError(
        name,
        'EINVAL',
        `the ${key} 0x${segment[key].toString(16)} is not a multiple of ${page}`,
      );
    }
  }
}

export { abiOf };
