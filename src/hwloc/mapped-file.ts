// Files in memory, for JavaScript: pieces of a mapping that stay valid for as long as anybody holds one.

import { constants } from 'node:buffer';
import { koffi } from './ffi/koffi.js';
import { mapPrivately, unmap } from './ffi/libc.js';

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
  if (mapping.pieces === 0) unmap(mapping.address, mapping.length);
});

/**
 * Maps pieces of a file, with no copy, each as an ArrayBuffer of its own. The descriptor may be closed afterwards, and the file
 * removed.
 *
 * Writing to a piece is harmless: it changes this process's view of it, not the file, and takes memory for each page that is written
 * to.
 *
 * @param length  Bytes of the file that are mapped, from its beginning; it has that many, and keeps them.
 * @param pieces  All of them within those bytes.
 * @throws HwlocError  `ENOMEM`: {@link mapPrivately}.
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
      if (piece.length === 0) return new Uint8Array(0);
      const buffer = koffi.view(BigInt(mapping.address + piece.offset), piece.length);
      mapping.pieces++;
      registry.register(buffer, mapping);
      return new Uint8Array(buffer);
    });
  } finally {
    if (mapping.pieces === 0) unmap(mapping.address, length);
  }
}
