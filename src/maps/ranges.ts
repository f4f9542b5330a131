// Sets of address ranges: normalising, union, gaps, and tests.

/**
 * The addresses `[start, end)`, in bytes.
 *
 * Plain numbers: a page-aligned 64-bit address has at most 52 significant bits, which a double holds exactly.
 */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Ranges in ascending order, none empty, no two touching. {@link rangeSet} makes a set from any ranges. */
export type RangeSet = readonly Range[];

/**
 * The set of all addresses in `ranges`, which may be in any order, overlap and touch. Empty ranges are
 * dropped.
 *
 * @throws RangeError  a range ends before it starts, or one of its ends is not a number.
 */
export function rangeSet(ranges: Iterable<Range>): RangeSet {
  const starts: number[] = [];
  const ends: number[] = [];
  for (const { start, end } of ranges) {
    if (!(start <= end)) throw new RangeError(`a range cannot start at ${start} and end at ${end}`);
    if (start === end) continue;
    starts.push(start);
    ends.push(end);
  }
  return merge(Float64Array.from(starts), Float64Array.from(ends));
}

/**
 * The addresses that are in at least one of `sets`. The ranges of each may be in any order, but must not be
 * empty or inverted.
 */
export function union(...sets: (readonly Range[])[]): RangeSet {
  const size = sets.reduce((sum, set) => sum + set.length, 0);
  const starts = new Float64Array(size);
  const ends = new Float64Array(size);
  let i = 0;
  for (const set of sets) {
    for (const { start, end } of set) {
      starts[i] = start;
      ends[i++] = end;
    }
  }
  return merge(starts, ends);
}

/**
 * The addresses of `within` that are not in `set`, as ranges. An empty list if `within` is empty or inverted.
 */
export function gaps(set: RangeSet, within: Range): RangeSet {
  const found: Range[] = [];
  let free = within.start;
  for (let i = firstEndingAfter(set, within.start); free < within.end; i++) {
    const range = set[i];
    const end = Math.min(range?.start ?? Infinity, within.end);
    if (free < end) found.push({ start: free, end });
    free = range?.end ?? Infinity;
  }
  return found;
}

/** Whether at least one address of `range` is in `set`. False for an empty range. */
export function intersects(set: RangeSet, range: Range): boolean {
  if (range.start >= range.end) return false;
  const candidate = set[firstEndingAfter(set, range.start)];
  return candidate !== undefined && candidate.start < range.end;
}

/** Whether all addresses of `range` are in `set`. True for an empty range. */
export function contains(set: RangeSet, range: Range): boolean {
  if (range.start >= range.end) return true;
  const candidate = set[firstEndingAfter(set, range.start)];
  return candidate !== undefined && candidate.start <= range.start && range.end <= candidate.end;
}

/** Whether all addresses of one range are in another. */
export function isWithin(inner: Range, outer: Range): boolean {
  return inner.start >= outer.start && inner.end <= outer.end;
}

/** How many bytes a range has. */
export function sizeOf({ start, end }: Range): number {
  return end - start;
}

/** The index of the first range that ends above `address`, by bisection; `set.length` if there is none. */
function firstEndingAfter(set: RangeSet, address: number): number {
  let low = 0;
  let high = set.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((set[middle]?.end ?? Infinity) > address) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Merges ranges given by their starts and ends, none empty. Sorts both arrays in place.
 *
 * Starts and ends are sorted separately: a merged range ends at the i-th end exactly if the next start lies
 * above it, no matter which range each belongs to. Arrays of plain doubles sort natively, without calling a
 * comparison function for each step: a leader may hold 256 sets of 5,300 ranges.
 */
function merge(starts: Float64Array, ends: Float64Array): RangeSet {
  starts.sort();
  ends.sort();
  const merged: Range[] = [];
  let start = starts[0] ?? 0;
  ends.forEach((end, i) => {
    const next = starts[i + 1] ?? Infinity;
    if (next <= end) return;
    merged.push({ start, end });
    start = next;
  });
  return merged;
}
