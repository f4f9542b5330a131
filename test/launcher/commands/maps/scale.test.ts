// The scale with the empty parts cut out: nothing is lost, nothing out of order, and the chosen range is seen.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutScale } from '../../../../src/launcher/commands/maps/scale.js';
import { type Source, compare } from '../../../../src/launcher/commands/maps/spaces.js';
import { USER_SPACE_END, USER_SPACE_START } from '../../../../src/maps/index.js';

const page = 4096;

/** Processes with mappings anywhere, of any size. */
const sources: fc.Arbitrary<Source[]> = fc.array(
  fc
    .array(
      fc.record({
        at: fc.integer({ min: USER_SPACE_START / page, max: USER_SPACE_END / page - 1 }),
        pages: fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 1 << 24 })),
      }),
      { minLength: 1, maxLength: 40 },
    )
    .map((drawn) => ({
      name: 'a process',
      lines: [],
      mappings: drawn.map(({ at, pages }) => ({
        start: at * page,
        end: Math.min(USER_SPACE_END, (at + pages) * page),
        permissions: 'rw-p',
        path: '',
      })),
    })),
  { minLength: 1, maxLength: 12 },
);

const choice = { policy: 'scatter', length: 1 << 20, pageSize: page, recorded: undefined } as const;

test('it covers its width without gaps, in the order of addresses', () => {
  fc.assert(
    fc.property(sources, (processes) => {
      const scale = cutScale(compare(processes, choice), 100, 1400);
      let x = 100;
      let end: number | undefined;
      for (const piece of scale.pieces) {
        expect(piece.x).toBeCloseTo(x, 6);
        expect(piece.width).toBeGreaterThan(0);
        if (end !== undefined) expect(piece.start).toBe(end);
        x += piece.width;
        end = piece.end;
      }
      expect(x).toBeCloseTo(1500, 6);
    }),
    { numRuns: 200 },
  );
});

test('higher addresses are never further left, and each mapping is inside', () => {
  fc.assert(
    fc.property(sources, (processes) => {
      const comparison = compare(processes, choice);
      const scale = cutScale(comparison, 100, 1400);
      const ends = comparison.spaces.flatMap(({ runs }) => runs.flatMap(({ start, end }) => [start, end]));
      const places = ends.sort((a, b) => a - b).map((address) => scale.at(address));
      for (const [i, place] of places.entries()) {
        expect(place).toBeGreaterThanOrEqual(100);
        expect(place).toBeLessThanOrEqual(1500 + 1e-6);
        if (i > 0) expect(place).toBeGreaterThanOrEqual(places[i - 1] ?? 0);
      }
    }),
    { numRuns: 200 },
  );
});

test('the chosen range is wide enough to be seen, and free in all', () => {
  fc.assert(
    fc.property(sources, (processes) => {
      const comparison = compare(processes, choice);
      const { chosen } = comparison;
      if (chosen === undefined) throw new Error(comparison.whyNot);
      const scale = cutScale(comparison, 100, 1400);
      expect(scale.at(chosen.end) - scale.at(chosen.start)).toBeGreaterThan(20);
      for (const { runs } of comparison.spaces) {
        for (const { start, end } of runs) expect(end <= chosen.start || start >= chosen.end).toBe(true);
      }
    }),
    { numRuns: 200 },
  );
});
