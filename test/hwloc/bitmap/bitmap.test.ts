// Our sets against libhwloc's, on random ones, finite and infinite.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CpuSet } from '../../../src/hwloc/index.js';
import { NativeBitmap } from '../support/native-bitmap.js';

const index = fc.integer({ min: 0, max: 300 });
/** Ranges, the last one perhaps without end, around the borders of 32-bit and 64-bit words too. */
const ranges = fc
  .tuple(
    fc.array(fc.tuple(index, fc.integer({ min: 0, max: 70 })), { maxLength: 6 }),
    fc.option(fc.oneof(index, fc.constantFrom(0, 31, 32, 63, 64, 127, 128)), { nil: undefined }),
  )
  .map(([finite, open]) => {
    const list = finite.map(([begin, length]) => [begin, begin + length] as [number, number]);
    if (open !== undefined) list.push([open, -1]);
    return list;
  });
type Ranges = [number, number][];

function ours(list: Ranges): CpuSet {
  return list.reduce(
    (set, [begin, end]) => set.withRange(begin, end === -1 ? undefined : end),
    CpuSet.empty(),
  );
}

/** Runs a body with the same set twice, ours and libhwloc's. */
function both(list: Ranges, body: (ours: CpuSet, theirs: NativeBitmap) => void): void {
  const theirs = NativeBitmap.of(list);
  body(ours(list), theirs);
  theirs.free();
}

function expectSame(set: CpuSet, theirs: NativeBitmap): void {
  expect(set.toString()).toBe(theirs.text(''));
  theirs.free();
}

/** hwloc's -1 for none, or for without end. */
const orNone = (number: number | undefined) => (number === undefined || number === Infinity ? -1 : number);

describe('a set and the same one in libhwloc', () => {
  test('have the same texts, and read them back', () => {
    fc.assert(
      fc.property(ranges, (list) => {
        both(list, (set, theirs) => {
          expect(set.toString()).toBe(theirs.text(''));
          expect(set.toListString()).toBe(theirs.text('list_'));
          expect(set.toTasksetString()).toBe(theirs.text('taskset_'));
          expect(CpuSet.parse(set.toString()).equals(set)).toBe(true);
          expect(CpuSet.parseList(set.toListString()).equals(set)).toBe(true);
          expect(CpuSet.parseTaskset(set.toTasksetString()).equals(set)).toBe(true);
          expect(CpuSet.from(set.toBigInt()).equals(set)).toBe(true);
        });
      }),
      { numRuns: 400 },
    );
  });

  test('have the same members, weight, first, last, and next ones', () => {
    fc.assert(
      fc.property(ranges, fc.integer({ min: -1, max: 400 }), (list, at) => {
        both(list, (set, theirs) => {
          expect(set.isEmpty).toBe(theirs.ask('iszero') === 1);
          expect(set.isFull).toBe(theirs.ask('isfull') === 1);
          expect(orNone(set.size)).toBe(theirs.ask('weight'));
          expect(orNone(set.first)).toBe(theirs.ask('first'));
          expect(orNone(set.last)).toBe(theirs.ask('last'));
          expect(orNone(set.firstUnset)).toBe(theirs.ask('first_unset'));
          expect(orNone(set.lastUnset)).toBe(theirs.ask('last_unset'));
          expect(orNone(set.next(at))).toBe(theirs.askAt('next', at));
          expect(orNone(set.nextUnset(at))).toBe(theirs.askAt('next_unset', at));
          if (at >= 0) expect(set.has(at)).toBe(theirs.askAt('isset', at) === 1);
        });
      }),
      { numRuns: 400 },
    );
  });

  test('change in the same way', () => {
    fc.assert(
      fc.property(ranges, index, index, (list, a, b) => {
        const [begin, end] = a < b ? [a, b] : [b, a];
        both(list, (set, theirs) => {
          expectSame(set.with(a), theirs.changed('set', a));
          expectSame(set.without(a), theirs.changed('clr', a));
          expectSame(set.withRange(begin, end), theirs.changed('set_range', begin, end));
          expectSame(set.withRange(begin), theirs.changed('set_range', begin, -1));
          expectSame(set.withoutRange(begin, end), theirs.changed('clr_range', begin, end));
          expectSame(set.withoutRange(begin), theirs.changed('clr_range', begin, -1));
          expectSame(set.singlify(), theirs.changed('singlify'));
          expectSame(set.complement(), theirs.complement());
          // And nothing of it has changed the set itself.
          expect(set.toString()).toBe(theirs.text(''));
        });
      }),
      { numRuns: 200 },
    );
  });

  test('combine in the same way with another', () => {
    fc.assert(
      fc.property(ranges, ranges, (one, other) => {
        both(one, (a, nativeA) => {
          both(other, (b, nativeB) => {
            expectSame(a.union(b), nativeA.combined('or', nativeB));
            expectSame(a.intersection(b), nativeA.combined('and', nativeB));
            expectSame(a.difference(b), nativeA.combined('andnot', nativeB));
            expectSame(a.symmetricDifference(b), nativeA.combined('xor', nativeB));
          });
        });
      }),
      { numRuns: 400 },
    );
  });

  test('compare in the same way with another', () => {
    const pairs = fc
      .tuple(ranges, ranges, fc.boolean())
      .map(([one, other, equal]) => [one, equal ? one : other]);
    fc.assert(
      fc.property(pairs, ([one = [], other = []]) => {
        both(one, (a, nativeA) => {
          both(other, (b, nativeB) => {
            expect(a.equals(b)).toBe(nativeA.askWith('isequal', nativeB) === 1);
            expect(a.intersects(b)).toBe(nativeA.askWith('intersects', nativeB) === 1);
            expect(a.isDisjointFrom(b)).toBe(nativeA.askWith('intersects', nativeB) === 0);
            expect(a.isSubsetOf(b)).toBe(nativeA.askWith('isincluded', nativeB) === 1);
            expect(a.isSupersetOf(b)).toBe(nativeB.askWith('isincluded', nativeA) === 1);
            expect(a.compare(b)).toBe(Math.sign(nativeA.askWith('compare', nativeB)));
            expect(a.compareFirst(b)).toBe(Math.sign(nativeA.askWith('compare_first', nativeB)));
          });
        });
      }),
      { numRuns: 400 },
    );
  });

  test('iterate over the same members, if there is an end', () => {
    fc.assert(
      fc.property(ranges, (list) => {
        both(list, (set, theirs) => {
          if (set.isInfinite) {
            expect(() => [...set]).toThrow(RangeError);
            return;
          }
          const members: number[] = [];
          for (let i = theirs.ask('first'); i !== -1; i = theirs.askAt('next', i)) members.push(i);
          expect([...set]).toEqual(members);
          expect(CpuSet.from(members).equals(set)).toBe(true);
          expect(set.size).toBe(members.length);
        });
      }),
    );
  });
});
