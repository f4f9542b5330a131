// Files in memory, for JavaScript: pieces of a mapping that stay valid for as long as anybody holds one.

import { constants } from 'node:buffer';
import { koffi, mapPrivately, unmap } from '../libc/index.js';
import { takeBackData } from './ffi/process-page.js';

/** A piece of a file. */
export interface Piece {
  /** Bytes into the file. */
  readonly offset: number;
  /** Bytes; 0 is allowed. */
  readonly length: number;
}

/** A mapping, and how many of its pieces have not been garbage collected. */
interface Mapping {
  readonly address: number;
  readonly length: number;
  pieces: number;
}

// An ArrayBuffer over memory that is gone crashes the process, whoever kept it: so memory goes after the last of them, not before. (It
// could be taken from them, but not by Node 20.) Node does not let others have them, in worker threads, it copies.
const registry = new FinalizationRegistry((mapping: Mapping) => {
  mapping.pieces--;
  if (mapping.pieces === 0 && takeBackData(mapping.address)) unmap(mapping.address, mapping.length);
});

/** The mapping of each piece. */
const mappings = new WeakMap<ArrayBufferLike, Mapping>();

/** A file that another thread of this process has mapped, for good. */
export interface MappedFile {
  readonly length: number;
  /** A piece of it, with no copy. */
  piece(piece: Piece): Uint8Array;
}

/** For the other threads of this process: the mapping that some pieces are of. */
export function mappingOf(pieces: Iterable<Uint8Array>): Omit<Mapping, 'pieces'> | undefined {
  for (const { buffer } of pieces) {
    const mapping = mappings.get(buffer);
    if (mapping !== undefined) return mapping;
  }
  return undefined;
}

/** A mapping that is never unmapped, by its address. */
export function mappedFile(address: number, length: number): MappedFile {
  return { length, piece: (piece) => pieceAt(address, piece) };
}

function pieceAt(address: number, { offset, length }: Piece): Uint8Array {
  return length === 0 ? new Uint8Array(0) : new Uint8Array(koffi.view(BigInt(address + offset), length));
}

/**
 * Maps pieces of a file, with no copy, each as an ArrayBuffer of its own. The descriptor may be closed afterwards, and the file
 * removed.
 *
 * Writing to a piece is harmless: it changes this process's view of it, not the file, and takes memory for each page that is written
 * to.
 *
 * @param length  Bytes of the file that are mapped, from its beginning; it has that many, and keeps them.
 * @param pieces  All of them within those bytes.
 * @throws HwlocError  `ENOMEM`: no room is left (`ulimit -v`), or the system does not promise the memory for the copies that there might
 *                     be (`vm.overcommit_memory=2`).
 * @throws RangeError  a piece is longer than an ArrayBuffer can be (4 GiB up to Node 20).
 */
export function mapPieces(fd: number, length: number, pieces: readonly Piece[]): Uint8Array[] {
  const longest = Math.max(0, ...pieces.map((piece) => piece.length));
  // Asked for such a view, koffi aborts the process.
  if (longest > constants.MAX_LENGTH)
    throw new RangeError(`${longest} bytes are more than an ArrayBuffer can have`);
  const mapping: Mapping = { address: mapPrivately(fd, length), length, pieces: 0 };
  try {
    return pieces.map((piece) => {
      const bytes = pieceAt(mapping.address, piece);
      if (piece.length === 0) return bytes;
      mapping.pieces++;
      registry.register(bytes.buffer, mapping);
      mappings.set(bytes.buffer, mapping);
      return bytes;
    });
  } finally {
    if (mapping.pieces === 0) unmap(mapping.address, length);
  }
}
