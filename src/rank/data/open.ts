// Maps the leader's attached data in a rank: the pieces of the file.

import { closeSync, fstatSync, readSync } from 'node:fs';
import { openFile } from '../../channel/index.js';
import { HwlocError } from '../../libc/index.js';
import { type MappedFile, mapPieces } from '../../hwloc/index.js';
import { type DataPiece, parseDataIndex } from './data-index.js';

/** Named bytes, as in a session. */
export type Shared = Readonly<Record<string, Uint8Array>>;

/**
 * Maps the data at the beginning of a file.
 *
 * @param length  The length of the data, from the leader.
 * @throws ChannelRefusedError  the file is not one that a leader of this user writes.
 * @throws ProtocolError        the contents of the file are invalid.
 * @throws Error                of the file system, or `ENOMEM`.
 */
export function openShared(file: string, length: number): Shared {
  const fd = openFile(file);
  try {
    const { size } = fstatSync(fd);
    // A mapping longer than its file crashes the process at the first read beyond the end of the file.
    if (size < length) throw new Error(`${file} has ${size} bytes, and ${length} are needed for the data`);
    const pieces = parseDataIndex(length, (bytes) => Buffer.from(read(fd, 0, bytes)).toString('latin1'));
    const bytes = mapOrRead(fd, length, pieces);
    return named(pieces.map(({ name }, i) => [name, bytes[i] ?? new Uint8Array(0)]));
  } finally {
    closeSync(fd);
  }
}

/** The same data, through the mapping of another thread of this process. */
export function sharedIn(file: MappedFile): Shared {
  const text = (length: number) => Buffer.from(file.piece({ offset: 0, length })).toString('latin1');
  return named(parseDataIndex(file.length, text).map((piece) => [piece.name, file.piece(piece)]));
}

/** A session's view of named bytes. It has no prototype, since a name may be any text. */
export function named(pieces: Iterable<readonly [name: string, bytes: Uint8Array]>): Shared {
  const shared = Object.create(null) as Record<string, Uint8Array>;
  for (const [name, bytes] of pieces) shared[name] = bytes;
  return Object.freeze(shared);
}

function mapOrRead(fd: number, length: number, pieces: readonly DataPiece[]): Uint8Array[] {
  try {
    return mapPieces(fd, length, pieces);
  } catch (error) {
    // A mapping needs a promise of memory for every page of the file, since each might be written to. A copy
    // needs only what it uses.
    if (error instanceof HwlocError && error.code === 'ENOMEM') {
      return pieces.map((piece) => read(fd, piece.offset, piece.length));
    }
    throw error;
  }
}

function read(fd: number, position: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const count = readSync(fd, bytes, done, length - done, position + done);
    if (count === 0) throw new Error('the file with the data was cut short');
    done += count;
  }
  return bytes;
}
