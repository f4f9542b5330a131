// Makes the attached data that the leader shares with the topology: named pieces of bytes, in the same file,
// before the topology.

import { writeSync } from 'node:fs';
import { allocate, pageSize } from '../../libc/index.js';
import type { Share, SharedData } from '../join-options.js';
import { ShareError } from '../errors.js';
import type { DataBlock, TopologyFiles } from '../leader/topology-files.js';
import { messageOf } from '../../errors/index.js';
import { type DataPiece, formatDataIndex } from './data-index.js';

/** Pieces begin at multiples of this: enough for any element of a typed array, and for a cache line. */
const alignment = 64;
const longestName = 255;
const mostPieces = 4096;
/** Bytes to write at a time. Between two writes, the leader listens to the other ranks. */
const stepBytes = 1 << 24;

/** Named bytes, not copied. */
export type Pieces = ReadonlyMap<string, Uint8Array>;

/**
 * Makes and writes the data, while the other ranks come.
 *
 * @returns the pieces, even if no file had room for them.
 * @throws ShareError
 */
export async function writeData(share: Share, files: TopologyFiles): Promise<Pieces> {
  const pieces = await piecesOf(share);
  await files.writeData(dataBlock(pieces));
  return pieces;
}

/**
 * The pieces of `join({ share })`. Calls `share` if it is a function.
 *
 * @throws ShareError  the function threw, or the value cannot be shared.
 */
export async function piecesOf(share: Share): Promise<Pieces> {
  let data: SharedData;
  try {
    data = typeof share === 'function' ? await share() : share;
  } catch (error) {
    throw new ShareError(`the function threw: ${messageOf(error)}`, { cause: error });
  }
  return checked(data);
}

/** @throws ShareError */
export function checked(data: SharedData): Pieces {
  if (typeof data !== 'object' || (data as unknown) === null) {
    throw new ShareError(`an object with named bytes was expected, not ${typeof data}`);
  }
  const entries = Object.entries(data);
  if (entries.length > mostPieces) throw new ShareError(`${entries.length} are more than ${mostPieces}`);
  return new Map(
    entries.map(([name, bytes]) => {
      if (name === '' || Buffer.byteLength(name) > longestName || !isText(name)) {
        throw new ShareError(`${JSON.stringify(name)} is no name of 1 to ${longestName} bytes`);
      }
      return [name, bytesOf(name, bytes)];
    }),
  );
}

/** A name may contain any character, but not half of a surrogate pair, which UTF-8 would not preserve. */
function isText(name: string): boolean {
  return Buffer.from(name).toString() === name;
}

function bytesOf(name: string, value: unknown): Uint8Array {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return new Uint8Array(value);
  throw new ShareError(
    `${JSON.stringify(name)} is neither an ArrayBuffer nor a view of one, such as a Uint8Array`,
  );
}

/** Assigns the pieces their positions in a file. */
export function dataBlock(pieces: Pieces): DataBlock {
  const inOrder = [...pieces].map(([name, bytes]) => ({ name, bytes, offset: 0, length: bytes.length }));
  // The length of the index does not depend on the offsets.
  let end = formatDataIndex(inOrder).length;
  for (const piece of inOrder) {
    piece.offset = roundUp(end, alignment);
    end = piece.offset + piece.length;
  }
  const length = roundUp(end, pageSize());
  const index = Buffer.from(formatDataIndex(inOrder satisfies DataPiece[]));
  return {
    length,
    *write(fd) {
      // Allocates everything before the first write: on a full file system, a later write to a mapping would
      // cause SIGBUS.
      allocate(fd, 0, length);
      writeFully(fd, index, 0);
      for (const { bytes, offset } of inOrder) {
        for (let at = 0; at < bytes.length; at += stepBytes) {
          writeFully(fd, bytes.subarray(at, at + stepBytes), offset + at);
          yield;
        }
      }
    },
  };
}

function writeFully(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
