// The barrier: opens when everybody who is still there has come, in whatever order they come and go.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Barrier } from '../../src/channel/barrier.js';

function barrierOf(...ranks: number[]): { barrier: Barrier; opened: number[] } {
  const opened: number[] = [];
  return { barrier: new Barrier(ranks, (number) => opened.push(number)), opened };
}

test('it opens with the last arrival, and not before', () => {
  const { barrier, opened } = barrierOf(0, 1, 2);
  barrier.arrive(2, 1);
  barrier.arrive(0, 1);
  expect(opened).toEqual([]);
  barrier.arrive(1, 1);
  expect(opened).toEqual([1]);
});

test('one that leaves is not waited for, whether it had come or not', () => {
  const { barrier, opened } = barrierOf(0, 1, 2);
  barrier.arrive(0, 1);
  barrier.arrive(1, 1);
  barrier.leave(1);
  expect(opened).toEqual([]);
  barrier.leave(2);
  expect(opened).toEqual([1]);
});

test('arriving twice counts once', () => {
  const { barrier, opened } = barrierOf(0, 1);
  barrier.arrive(0, 1);
  barrier.arrive(0, 1);
  expect(opened).toEqual([]);
});

test('an arrival at another barrier than the current one is refused', () => {
  const { barrier, opened } = barrierOf(0, 1);
  expect(barrier.arrive(0, 2)).toBe(false);
  expect(barrier.arrive(7, 1)).toBe(false);
  barrier.arrive(0, 1);
  barrier.arrive(1, 1);
  expect(barrier.arrive(0, 1)).toBe(false);
  expect(barrier.arrive(0, 2)).toBe(true);
  expect(opened).toEqual([1]);
});

test('the next barrier can be reached from within the opening of this one', () => {
  const opened: number[] = [];
  const barrier = new Barrier([0, 1], (number) => {
    opened.push(number);
    if (number < 4) barrier.arrive(0, number + 1);
  });
  barrier.arrive(0, 1);
  for (const number of [1, 2, 3]) barrier.arrive(1, number);
  expect(opened).toEqual([1, 2, 3]);
});

test('in any order of arrivals and departures it opens when a model says so', () => {
  const ranks = 5;
  const step = fc.record({
    what: fc.constantFrom('arrive', 'arrive', 'arrive', 'leave'),
    rank: fc.integer({ min: 0, max: ranks }),
    off: fc.constantFrom(0, 0, 0, 0, 1, -1),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { barrier, opened } = barrierOf(...Array.from({ length: ranks }, (_, rank) => rank));
      // The model: how many barriers each rank that is there has come to, and how many have opened.
      const passed = new Map(Array.from({ length: ranks }, (_, rank) => [rank, 0]));
      let open = 0;
      for (const { what, rank, off } of steps) {
        if (what === 'leave') {
          barrier.leave(rank);
          passed.delete(rank);
        } else {
          const number = open + 1 + off;
          const counts = passed.has(rank) && number === open + 1;
          expect(barrier.arrive(rank, number)).toBe(counts);
          if (counts) passed.set(rank, number);
        }
        const all = [...passed.values()];
        if (all.length > 0 && all.every((number) => number === open + 1)) open++;
        expect(opened).toEqual(Array.from({ length: open }, (_, i) => i + 1));
      }
    }),
    { numRuns: 500 },
  );
});
