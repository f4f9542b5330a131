// `struct hwloc_location`: the place from which memory is accessed, given as a set of CPUs or as an object.

import type { CpuSet } from '../bitmap/bitmap.js';
import { withBitmap } from './bitmaps.js';
import { littleEndian } from './memory.js';

const HWLOC_LOCATION_TYPE_OBJECT = 0;
const HWLOC_LOCATION_TYPE_CPUSET = 1;
const TYPE = 0;
const POINTER = 8;

/** Bytes of the struct. */
export const locationBytes = 16;

/** Runs `body` with the struct for a set of CPUs, or for the object at an address. */
export function withLocation<Result>(where: CpuSet | number, body: (location: Uint8Array) => Result): Result {
  if (typeof where === 'number') return body(pack(HWLOC_LOCATION_TYPE_OBJECT, where));
  return withBitmap(where, (bitmap) => body(pack(HWLOC_LOCATION_TYPE_CPUSET, bitmap)));
}

/** Space for structs that a function fills. */
export function locations(count: number): Uint8Array {
  return new Uint8Array(count * locationBytes);
}

/** Reads a struct that a function filled: the address of a bitmap or of an object. */
export function locationAt(
  bytes: Uint8Array,
  index: number,
): { readonly isCpuset: boolean; readonly pointer: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset + index * locationBytes);
  return {
    isCpuset: view.getInt32(TYPE, littleEndian) === HWLOC_LOCATION_TYPE_CPUSET,
    pointer: Number(view.getBigUint64(POINTER, littleEndian)),
  };
}

function pack(type: number, pointer: number): Uint8Array {
  const bytes = locations(1);
  const view = new DataView(bytes.buffer);
  view.setInt32(TYPE, type, littleEndian);
  view.setBigUint64(POINTER, BigInt(pointer), littleEndian);
  return bytes;
}
