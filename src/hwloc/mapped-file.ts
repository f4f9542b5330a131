// Pieces of mapped files as ArrayBuffers, which stay valid as long as a program holds them.

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

// Reading an ArrayBuffer over memory that is gone crashes the process. So the memory is unmapped only after
// the last piece was collected. (The buffers could be detached earlier, but not in Node 20.) Node does not
// transfer these buffers to worker threads; it copies them.
const registry = new FinalizationRegistry((mapping: Mapping) => {
  mapping.pieces--;
  if (mapping.pieces === 0 && takeBackData(mapping.address)) unmap(mapping.address, mapping.length);
});

/** The mapping of each piece. */
const mappings = new WeakMap<ArrayBufferLike, Mapping>();

/** A file that another thread of this process has mapped, for good. */
export interface MappedFile {
  readonly length: number;
  /** A piece of the file, without a copy. */
  piece(piece: Piece): Uint8Array;
}

/** The mapping that some pieces belong to, for the other threads of this process. */
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
 * Maps pieces of a file without a copy, each as its own ArrayBuffer. Afterwards the descriptor may be closed
 * and the file removed.
 *
 * Writing to a piece is harmless: it does not change the file, only a private copy of each page that is
 * written to.
 *
 * @param length  How many bytes of the file to map, from its beginning. The file must have that many, and
 *   keep them.
 * @param pieces  All within those bytes.
 * @throws HwlocError  `ENOMEM`: no address space is left (`ulimit -v`), or the system does not promise the
 *   memory for the possible copies (`vm.overcommit_memory=2`).
 * @throws RangeError  a piece is longer than an ArrayBuffer can be (4 GiB up to Node 20).
 */
export function mapPieces(fd: number, length: number, pieces: readonly Piece[]): Uint8Array[] {
  const longest = Math.max(0, ...pieces.map((piece) => piece.length));
  // koffi would abort the process.
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
