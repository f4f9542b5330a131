// Converts sets to and from libhwloc's `hwloc_bitmap_t`.

import { type Bitmap, bitsIn } from '../bitmap/bitmap.js';
import { type Bits, bitsOf, zeros } from '../bitmap/bits.js';
import { formatHwloc, parseHwloc } from '../bitmap/formats.js';
import { HwlocError } from '../../libc/index.js';
import { libhwloc } from './library.js';
import { Memory, littleEndian } from './memory.js';

// struct hwloc_bitmap_s in hwloc/bitmap.c: private, but the same in all releases since 1.8.
const COUNT = 0;
const ULONGS = 8;
const INFINITE = 16;

/** Runs `body` with a `hwloc_bitmap_t` that holds a set, then frees it. Without a set it is empty. */
export function withBitmap<Result>(set: Bitmap | undefined, body: (bitmap: number) => Result): Result {
  const { native } = libhwloc();
  const bitmap = Number(native('hwloc_bitmap_alloc')());
  if (bitmap === 0) throw new HwlocError('hwloc_bitmap_alloc', 'ENOMEM');
  try {
    // As text: all versions have this function, and it takes whole sets, also infinite ones. Not with
    // toString(), which a program may have replaced: libhwloc aborts the process on some texts.
    if (set !== undefined && native('hwloc_bitmap_sscanf')(bitmap, formatHwloc(bitsIn(set))) !== 0) {
      throw new HwlocError('hwloc_bitmap_sscanf', 'EINVAL');
    }
    return body(bitmap);
  } finally {
    native('hwloc_bitmap_free')(bitmap);
  }
}

/** The set in a `hwloc_bitmap_t`, read in place from the memory of a topology. */
export function readBits(memory: Memory, bitmap: number): Bits {
  return (layoutVerified ??= verifyLayout()) ? readStruct(memory, bitmap) : readText(bitmap);
}

/** The set in a `hwloc_bitmap_t` outside of a topology. */
export function bitsOfBitmap(bitmap: number): Bits {
  return readText(bitmap);
}

let layoutVerified: boolean | undefined;

/** Checks the private struct before its first use: it must hold what the public functions say. */
function verifyLayout(): boolean {
  const text = '0xf...f,,0x80000001,0x00000002,0x12345678';
  return withBitmap(undefined, (bitmap) => {
    if (libhwloc().native('hwloc_bitmap_sscanf')(bitmap, text) !== 0) return false;
    const { words, infinite } = readStruct(new Memory(), bitmap);
    const expected = parseHwloc(text);
    return infinite && words.length === 4 && words.every((word, i) => word === expected.words[i]);
  });
}

function readStruct(memory: Memory, bitmap: number): Bits {
  // A limit, so that a wrong layout does not lead to reading far away: no set has 2^17 ulongs (8 million
  // CPUs).
  const count = Math.min(memory.uint32(bitmap + COUNT), 1 << 17);
  const array = memory.uint64(bitmap + ULONGS);
  const words = zeros(count * 2);
  for (let i = 0; i < words.length;) {
    // All words that lie in one window: usually all of them.
    const { view, base } = memory.windowOf(array + 4 * i);
    const end = Math.min(words.length, Math.floor((base + view.byteLength - array) / 8) * 2);
    for (; i < end; i += 2) {
      const at = array - base + 4 * i;
      words[i] = view.getUint32(at + (littleEndian ? 0 : 4), littleEndian);
      words[i + 1] = view.getUint32(at + (littleEndian ? 4 : 0), littleEndian);
    }
  }
  return bitsOf(words, memory.uint32(bitmap + INFINITE) !== 0);
}

function readText(bitmap: number): Bits {
  const { native } = libhwloc();
  const length = Number(native('hwloc_bitmap_snprintf')(null, 0, bitmap));
  const buffer = Buffer.alloc(length + 1);
  native('hwloc_bitmap_snprintf')(buffer, buffer.length, bitmap);
  return parseHwloc(buffer.toString('latin1', 0, length));
}
