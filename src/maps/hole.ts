// Chooses an address that is free in every process.
import { NoHoleError } from './errors.js';

import { formatAddress } from './hex.js';
import type { Occupied } from './occupied.js';
import { formatPolicy, type HoleKind, type HolePolicy } from './policy.js';
import { gaps, intersects, type Range, type RangeSet, sizeOf } from './ranges.js';
import {
  ALIGNMENT,
  SCATTER_WINDOWS,
  USER_SPACE,
  USER_SPACE_END,
  USER_SPACE_START,
  WIDE_ALIGNMENT,
} from './space.js';

/** The input for {@link chooseHole}. */
export interface HoleRequest {
  /** The ranges to avoid: the occupied ranges of all processes that will map the file. */
  readonly occupied: Occupied;
  /** Bytes, a positive multiple of `pageSize`. */
  readonly length: number;
  /** Bytes, a power of two, at least 4096: the page size of this machine. */
  readonly pageSize: number;
  /** `scatter` by default. */
  readonly policy?: HolePolicy;
  /**
   * For `scatter`: the same seed and the same occupied ranges give the same address. For example the job key.
   */
  readonly seed?: string;
}

/**
 * Chooses where to map `length` bytes: an address `r` that is a multiple of `pageSize`, with `[r, r +
 * length)` free of every occupied range and inside [{@link USER_SPACE_START}, {@link USER_SPACE_END}).
 *
 * - `scatter`: uses the first of {@link SCATTER_WINDOWS} that has a place, aligned to 2 MiB (or the page
 *   size, if that is bigger). Among all such places the seed picks one, all with the same chance. If neither
 *   window has a place: a quarter of the way into the biggest hole, aligned to 2 MiB if that fits. Not its
 *   middle, which other programs are likely to choose.
 * - `begin`: the lowest hole that is long enough.
 * - `biggest`: the biggest hole.
 * - `heap`: the first hole at or above the highest heap's end that is long enough.
 * - `stack`: the last hole below the lowest stack that is long enough.
 * - `libs`: the biggest hole between heap and stack.
 * - `{ address }`: this address or none.
 *
 * For `begin` to `libs` the place in the hole is the one that PMIx and PRRTE take: its middle, rounded up to
 * 64 MiB if that fits, else to 2 MiB if that fits, else its end. (The middle leaves room for a heap or stack
 * to grow.) Among equally big holes the lowest is taken.
 *
 * @throws NoHoleError  no hole is long enough, the explicit address is not free, or the policy needs a heap
 *   or stack and no process has one.
 * @throws RangeError   `pageSize`, `length` or an explicit address is invalid.
 */
export function chooseHole(request: HoleRequest): number {
  const { occupied, length, pageSize, policy = 'scatter', seed = '' } = request;
  checkSizes(length, pageSize);
  if (typeof policy === 'object') return explicit(policy, occupied, length, pageSize);
  if (policy === 'scatter') return scattered(seed, occupied, length, pageSize);
  return ofKind(policy, occupied, length, pageSize);
}

function checkSizes(length: number, pageSize: number): void {
  if (!(pageSize >= 4096 && Number.isInteger(Math.log2(pageSize)))) {
    throw new RangeError(`the page size must be a power of two, 4096 or more, not ${pageSize}`);
  }
  if (!(Number.isSafeInteger(length) && length > 0 && length % pageSize === 0)) {
    throw new RangeError(
      `the length must be a positive multiple of the page size ${pageSize}, not ${length}`,
    );
  }
}

function explicit(policy: { address: number }, occupied: Occupied, length: number, pageSize: number): number {
  const { address } = policy;
  if (!(address >= 0 && address % pageSize === 0)) {
    throw new RangeError(
      `the address must be a multiple of the page size ${pageSize}, not ${formatAddress(address)}`,
    );
  }
  const wanted: Range = { start: address, end: address + length };
  const outside = wanted.start < USER_SPACE_START || wanted.end > USER_SPACE_END;
  if (!outside && !intersects(occupied.ranges, wanted)) return address;
  const why = outside
    ? `it is not between ${formatAddress(USER_SPACE_START)} and ${formatAddress(USER_SPACE_END)}`
    : 'the range is taken in some process';
  throw new NoHoleError(length, formatPolicy(policy), why, biggest(holes(occupied, USER_SPACE, pageSize)));
}

function scattered(seed: string, occupied: Occupied, length: number, pageSize: number): number {
  const alignment = Math.max(ALIGNMENT, pageSize);
  for (const window of SCATTER_WINDOWS) {
    // Shrinking a hole to the alignment at both ends would lose places: only the start must be aligned.
    const places = gaps(occupied.ranges, window)
      .map(({ start, end }) => ({ first: up(start, alignment), last: down(end - length, alignment) }))
      .filter(({ first, last }) => first <= last);
    const total = places.reduce((sum, { first, last }) => sum + (last - first) / alignment + 1, 0);
    // At most 10 million places against 2^32 hashes: no place is favoured by more than a quarter of a percent.
    let skip = Math.floor((hash32(seed) / 2 ** 32) * total) * alignment;
    for (const { first, last } of places) {
      if (first + skip <= last) return first + skip;
      skip -= last - first + alignment;
    }
  }
  const all = holes(occupied, USER_SPACE, pageSize);
  const hole = biggest(all.filter((candidate) => sizeOf(candidate) >= length));
  if (hole === undefined) throw tooShort(length, 'scatter', all);
  return aQuarterIn(hole, length, pageSize);
}

function ofKind(kind: HoleKind, occupied: Occupied, length: number, pageSize: number): number {
  const { heapEnd, stackStart } = occupied;
  const needsHeap = kind === 'heap' || kind === 'libs';
  const needsStack = kind === 'stack' || kind === 'libs';
  if ((needsHeap && heapEnd === undefined) || (needsStack && stackStart === undefined)) {
    const why = needsHeap && heapEnd === undefined ? 'no process has a [heap]' : 'no process has a [stack]';
    throw new NoHoleError(length, kind, why, biggest(holes(occupied, USER_SPACE, pageSize)));
  }
  const within: Range = {
    start: needsHeap ? Math.max(heapEnd ?? 0, USER_SPACE_START) : USER_SPACE_START,
    end: needsStack ? Math.min(stackStart ?? Infinity, USER_SPACE_END) : USER_SPACE_END,
  };
  const all = holes(occupied, within, pageSize);
  const hole = PICK[kind](all.filter((candidate) => sizeOf(candidate) >= length));
  if (hole === undefined) throw tooShort(length, kind, all);
  return inTheMiddle(hole, length, pageSize);
}

// The hole that each kind chooses, among the holes that are long enough, in ascending order.
const PICK: Record<HoleKind, (fitting: RangeSet) => Range | undefined> = {
  begin: (fitting) => fitting[0],
  biggest,
  heap: (fitting) => fitting[0],
  stack: (fitting) => fitting.at(-1),
  libs: biggest,
};

/** PMIx's place in a hole that is long enough; see use_hole() in its sources. */
function inTheMiddle({ start, end }: Range, length: number, pageSize: number): number {
  const middle = (start + end) / 2;
  for (const alignment of [WIDE_ALIGNMENT, ALIGNMENT]) {
    const address = up(middle, Math.max(alignment, pageSize));
    if (address + length <= end) return address;
  }
  return end - length;
}

function aQuarterIn(hole: Range, length: number, pageSize: number): number {
  const { start, end } = hole;
  const address = down(Math.min(start + sizeOf(hole) / 4, end - length), pageSize);
  const below = down(address, ALIGNMENT);
  if (below >= start) return below;
  const above = up(address, ALIGNMENT);
  return above + length <= end ? above : address;
}

/** The holes in `within`, in ascending order, each cut down to whole pages. */
function holes(occupied: Occupied, within: Range, pageSize: number): RangeSet {
  return gaps(occupied.ranges, within)
    .map(({ start, end }) => ({ start: up(start, pageSize), end: down(end, pageSize) }))
    .filter(({ start, end }) => start < end);
}

function biggest(candidates: RangeSet): Range | undefined {
  let best = candidates[0];
  for (const candidate of candidates) {
    if (best === undefined || sizeOf(candidate) > sizeOf(best)) best = candidate;
  }
  return best;
}

function tooShort(length: number, kind: string, all: RangeSet): NoHoleError {
  return new NoHoleError(length, kind, 'no common hole is long enough', biggest(all));
}

// Exact, as the alignment is a power of two.
function up(address: number, alignment: number): number {
  return Math.ceil(address / alignment) * alignment;
}

function down(address: number, alignment: number): number {
  return Math.floor(address / alignment) * alignment;
}

/**
 * A hash of a short string, to scatter addresses: well distributed, not for secrets.
 *
 * FNV-1a, then MurmurHash3's finalizer. FNV alone keeps strings close together that differ in their last character
 * only, such as the keys of successive jobs. Not node:crypto: importing it costs start-up time.
 *
 * @returns an integer in [0, 2^32), the same on every machine and in every version of Node.
 */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
