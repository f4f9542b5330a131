// Sets of ranges, by example and against a bitmap of pages.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contains, gaps, intersects, rangeSet, union, type Range } from '../../src/maps/index.js';
import { bitmap, runs } from './model.js';

const PAGES = 40;

/** Unordered, overlapping, touching, sometimes empty. */
const anyRange = fc
  .tuple(fc.nat({ max: PAGES }), fc.nat({ max: 8 }))
  .map(([start, length]) => ({ start, end: Math.min(start + length, PAGES) }));
const anyRanges = fc.array(anyRange, { maxLength: 12 });

const range = (start: number, end: number): Range => ({ start, end });

describe('making a set', () => {
  test('ranges that overlap or touch become one, in ascending order', () => {
    expect(rangeSet([range(8, 9), range(1, 3), range(3, 4), range(2, 5)])).toEqual([
      range(1, 5),
      range(8, 9),
    ]);
  });

  test('a range within another adds nothing', () => {
    expect(rangeSet([range(1, 9), range(3, 4)])).toEqual([range(1, 9)]);
  });

  test('an empty range is dropped, even between two others', () => {
    expect(rangeSet([range(1, 2), range(3, 3), range(5, 6)])).toEqual([range(1, 2), range(5, 6)]);
    expect(rangeSet([])).toEqual([]);
  });

  test('an inverted range is an error, and so is one without numbers', () => {
    expect(() => rangeSet([range(1, 2), range(4, 3)])).toThrow(RangeError);
    expect(() => rangeSet([range(NaN, 3)])).toThrow(RangeError);
    expect(() => rangeSet([range(1, NaN)])).toThrow(RangeError);
  });

  test('the set has exactly the pages of the ranges, as the bitmap has them', () => {
    fc.assert(
      fc.property(anyRanges, (ranges) => {
        expect(rangeSet(ranges)).toEqual(runs(bitmap(ranges, PAGES), true));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the union of the processes', () => {
  test('what is taken in one process is taken in the union', () => {
    expect(union([range(1, 3), range(7, 8)], [range(2, 4)], [], [range(8, 9)])).toEqual([
      range(1, 4),
      range(7, 9),
    ]);
  });

  test('the union of nothing is empty', () => {
    expect(union()).toEqual([]);
    expect(union([], [])).toEqual([]);
  });

  test('it leaves the sets as they were', () => {
    const sets = [[range(5, 6)], [range(1, 2)]];
    union(...sets);
    expect(sets).toEqual([[range(5, 6)], [range(1, 2)]]);
  });

  test('it has exactly the pages of all sets, as the bitmap has them', () => {
    fc.assert(
      fc.property(fc.array(anyRanges, { maxLength: 6 }), (all) => {
        expect(union(...all.map(rangeSet))).toEqual(runs(bitmap(all.flat(), PAGES), true));
      }),
      { numRuns: 1000 },
    );
  });

  test('256 ranks with 5,300 ranges each are united', () => {
    const sets = Array.from({ length: 256 }, (_set, rank) =>
      Array.from({ length: 5300 }, (_range, i) => range(i * 1000 + rank * 2, i * 1000 + rank * 2 + 1)),
    );
    // In a second; one after another, each into what there is already, would take minutes.
    expect(union(...sets)).toHaveLength(256 * 5300);
  });
});

describe('the gaps of a set', () => {
  const set = [range(2, 4), range(6, 7), range(10, 20)];

  test('they are what is left between, before and behind the ranges', () => {
    expect(gaps(set, range(0, 30))).toEqual([range(0, 2), range(4, 6), range(7, 10), range(20, 30)]);
  });

  test('they are cut at the ends of what is asked about', () => {
    expect(gaps(set, range(5, 9))).toEqual([range(5, 6), range(7, 9)]);
    expect(gaps(set, range(3, 10))).toEqual([range(4, 6), range(7, 10)]);
  });

  test('an empty set is one gap, a range within an occupied one has none, nor has an empty or inverted range', () => {
    expect(gaps([], range(3, 5))).toEqual([range(3, 5)]);
    expect(gaps(set, range(11, 12))).toEqual([]);
    expect(gaps(set, range(5, 5))).toEqual([]);
    expect(gaps(set, range(9, 5))).toEqual([]);
  });

  test('they are exactly the free pages, as the bitmap has them', () => {
    fc.assert(
      fc.property(anyRanges, anyRange, (ranges, within) => {
        const outside = bitmap([range(0, within.start), range(within.end, PAGES)], PAGES);
        const taken = bitmap(ranges, PAGES).map((page, i) => page || outside[i] === true);
        expect(gaps(rangeSet(ranges), within)).toEqual(runs(taken, false));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('asking a set about a range', () => {
  test('touching is not intersecting', () => {
    const set = [range(2, 4), range(6, 8)];
    expect(intersects(set, range(4, 6))).toBe(false);
    expect(intersects(set, range(3, 6))).toBe(true);
    expect(intersects(set, range(5, 7))).toBe(true);
    expect(intersects(set, range(0, 9))).toBe(true);
    expect(intersects(set, range(8, 9))).toBe(false);
  });

  test('a range across a gap is not contained', () => {
    const set = [range(2, 4), range(6, 8)];
    expect(contains(set, range(2, 4))).toBe(true);
    expect(contains(set, range(3, 7))).toBe(false);
    expect(contains(set, range(1, 3))).toBe(false);
    expect(contains(set, range(4, 5))).toBe(false);
  });

  test('an empty range intersects nothing and is contained in everything', () => {
    expect(intersects([range(2, 4)], range(3, 3))).toBe(false);
    expect(contains([], range(3, 3))).toBe(true);
  });

  test('the answers are those of the bitmap', () => {
    fc.assert(
      fc.property(anyRanges, anyRange, (ranges, asked) => {
        const set = rangeSet(ranges);
        const pages = bitmap(ranges, PAGES).slice(asked.start, asked.end);
        expect(intersects(set, asked)).toBe(pages.includes(true));
        expect(contains(set, asked)).toBe(!pages.includes(false));
      }),
      { numRuns: 2000 },
    );
  });
});
