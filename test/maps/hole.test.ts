// The choice of a hole: each policy by example, and all of them against a bitmap of pages.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chooseHole,
  intersects,
  NoHoleError,
  occupiedFrom,
  parseMaps,
  parsePolicy,
  rangeSet,
  SCATTER_WINDOWS,
  USER_SPACE_END,
  USER_SPACE_START,
  type HolePolicy,
  type HoleRequest,
  type Occupied,
  type Range,
} from '../../src/maps/index.js';
import { bitmap, runs } from './model.js';
import { program } from './samples.js';

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const PAGE = 4096;
const TOP = 2 ** 64;
const NAMES = ['scatter', 'begin', 'biggest', 'libs', 'heap', 'stack'] as const;

const real = occupiedFrom(parseMaps(program));

/** Everything is taken but these holes. */
function onlyFree(...free: Range[]): Occupied {
  const ranges: Range[] = [];
  let end = 0;
  for (const hole of free) {
    ranges.push({ start: end, end: hole.start });
    end = hole.end;
  }
  return { ranges: rangeSet([...ranges, { start: end, end: TOP }]) };
}

function hole(start: number, length: number): Range {
  return { start, end: start + length };
}

function choose(policy: HolePolicy, occupied: Occupied, length = MiB, pageSize = PAGE): number {
  return chooseHole({ occupied, length, pageSize, policy });
}

function refusal(request: HoleRequest): NoHoleError {
  try {
    chooseHole(request);
  } catch (error) {
    if (error instanceof NoHoleError) return error;
    throw error;
  }
  throw new Error('a hole was found');
}

describe('the default policy', () => {
  const [first, second] = SCATTER_WINDOWS as [Range, Range];
  const scatter = (occupied: Occupied, seed: string, length = MiB, pageSize = PAGE): number =>
    chooseHole({ occupied, length, pageSize, seed });

  test('is scatter', () => {
    expect(scatter(real, 'job')).toBe(
      chooseHole({ occupied: real, length: MiB, pageSize: PAGE, policy: 'scatter', seed: 'job' }),
    );
  });

  test('takes a place in its first window, at a multiple of 2 MiB', () => {
    for (let i = 0; i < 200; i++) {
      const address = scatter(real, `slurm-4711.${i}`);
      expect(address % (2 * MiB)).toBe(0);
      expect(address).toBeGreaterThanOrEqual(0x4000_0000_0000);
      expect(address + MiB).toBeLessThanOrEqual(0x5400_0000_0000);
    }
  });

  test('takes the same place for the same job key, another for the next', () => {
    expect(scatter(real, 'slurm-4711.0')).toBe(scatter(real, 'slurm-4711.0'));
    const places = new Set(Array.from({ length: 1000 }, (_, i) => scatter(real, `slurm-4711.${i}`)));
    // 1,000 of 10 million places: 0.05 pairs are expected to meet.
    expect(places.size).toBeGreaterThanOrEqual(999);
  });

  test('puts the next job nowhere near the last', () => {
    let near = 0;
    for (let job = 0; job < 2000; job++) {
      const apart = scatter(real, `slurm-${job}.0`) - scatter(real, `slurm-${job}.1`);
      if (Math.abs(apart) < (first.end - first.start) / 100) near++;
    }
    // 2 % by chance: 40 with a standard deviation of 6.
    expect(near).toBeLessThan(70);
  });

  test('scatters evenly over its window', () => {
    const counts = Array.from({ length: 16 }, () => 0);
    for (let i = 0; i < 16_000; i++) {
      const part = Math.floor(
        ((scatter({ ranges: [] }, `job-${i}`) - first.start) / (first.end - first.start)) * 16,
      );
      counts[part] = (counts[part] ?? 0) + 1;
    }
    // 1,000 each with a standard deviation of 31.
    expect(Math.min(...counts)).toBeGreaterThan(850);
    expect(Math.max(...counts)).toBeLessThan(1150);
  });

  test('gives each place in several holes the same chance, the first and the last included', () => {
    // Places for 2 MiB: one in the first hole, none in the second (too short once aligned), three in the third.
    const base = 0x4100_0000_0000;
    const occupied = onlyFree(
      hole(base, 2 * MiB),
      hole(base + 7 * MiB, 2 * MiB),
      hole(base + 31 * MiB, 7 * MiB),
    );
    const counts = new Map<number, number>();
    for (let i = 0; i < 4000; i++) {
      const address = scatter(occupied, `job ${i}`, 2 * MiB);
      counts.set(address - base, (counts.get(address - base) ?? 0) + 1);
    }
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([0, 32 * MiB, 34 * MiB, 36 * MiB]);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  test('takes the second window where the first is taken', () => {
    const address = scatter({ ranges: [first] }, 'job');
    expect(address).toBeGreaterThanOrEqual(second.start);
    expect(address + MiB).toBeLessThanOrEqual(second.end);
  });

  test('a place in the first window may reach to the window’s last byte, not beyond', () => {
    const occupied = { ranges: [{ start: 0, end: first.end - 2 * MiB }] };
    expect(scatter(occupied, 'job', 2 * MiB)).toBe(first.end - 2 * MiB);
    expect(scatter(occupied, 'job', 4 * MiB)).toBeGreaterThanOrEqual(second.start);
  });

  test('where both windows are taken, takes a quarter of the way into the biggest hole', () => {
    const start = 0x1000_0000_0000;
    expect(scatter(onlyFree(hole(0x100_0000_0000, GiB), hole(start, 4 * GiB)), 'job')).toBe(start + GiB);
  });

  test('there too, aligns to 2 MiB where that fits, and only to the page where it does not', () => {
    const start = 0x1000_0000_0000 + 12 * KiB;
    expect(scatter(onlyFree(hole(start, 64 * MiB)), 'job') % (2 * MiB)).toBe(0);
    expect(scatter(onlyFree(hole(start, 1028 * KiB)), 'job')).toBe(start + 4 * KiB);
    expect(scatter(onlyFree(hole(start, 2 * MiB)), 'job', MiB)).toBe(start + 512 * KiB);
    expect(scatter(onlyFree(hole(0x1000_0000_0000, 4 * MiB)), 'job')).toBe(0x1000_0000_0000);
    // Only the multiple above fits, to the last byte.
    expect(scatter(onlyFree(hole(start, 2 * MiB + 52 * KiB)), 'job', 64 * KiB)).toBe(
      0x1000_0000_0000 + 2 * MiB,
    );
    expect(scatter(onlyFree(hole(start, 3 * MiB)), 'job', 64 * KiB)).toBe(0x1000_0000_0000 + 2 * MiB);
  });

  test('there too, takes the end of the hole if three quarters of it are not enough', () => {
    const start = 0x1000_0000_0000;
    expect(scatter(onlyFree(hole(start + PAGE, 40 * KiB)), 'job', 36 * KiB)).toBe(start + 2 * PAGE);
    expect(scatter(onlyFree(hole(start + PAGE, 40 * KiB)), 'job', 40 * KiB)).toBe(start + PAGE);
  });

  test('with pages bigger than 2 MiB, aligns to the page', () => {
    expect(scatter(real, 'job', 32 * MiB, 16 * MiB) % (16 * MiB)).toBe(0);
    expect(scatter(onlyFree(hole(0x1000_0000_0000, GiB)), 'job', 32 * MiB, 16 * MiB) % (16 * MiB)).toBe(0);
  });

  test('without a seed is still a place like any other', () => {
    expect(choose('scatter', real)).toBe(
      chooseHole({ occupied: real, length: MiB, pageSize: PAGE, seed: '' }),
    );
  });
});

describe('the kinds of hole that PMIx names', () => {
  test('begin: the hole before the first mapping, never below vm.mmap_min_addr', () => {
    const address = choose('begin', real);
    expect(address).toBe(Math.ceil((0x10000 + 0x558a_3c40_0000) / 2 / (64 * MiB)) * 64 * MiB);
    expect(choose('begin', { ranges: [{ start: 0x20000, end: TOP }] }, 64 * KiB)).toBe(0x10000);
    expect(
      refusal({
        occupied: { ranges: [{ start: 0x20000, end: TOP }] },
        length: 68 * KiB,
        pageSize: PAGE,
        policy: 'begin',
      }).biggest,
    ).toEqual({ start: 0x10000, end: 0x20000 });
  });

  test('begin: a first hole that is too short is passed over', () => {
    expect(
      choose('begin', onlyFree(hole(0x40000, PAGE), hole(0x80000, 2 * PAGE), hole(GiB, GiB)), 2 * PAGE),
    ).toBe(0x80000);
  });

  test('biggest: the hole with the most bytes, the lowest of equals', () => {
    expect(
      choose(
        'biggest',
        onlyFree(hole(GiB, 64 * KiB), hole(2 * GiB, 128 * KiB), hole(3 * GiB, 128 * KiB)),
        128 * KiB,
      ),
    ).toBe(2 * GiB);
    const address = choose('biggest', real);
    expect(address).toBeLessThan(0x558a_3c40_0000);
  });

  test('heap: the hole right behind the heap', () => {
    const address = choose('heap', real);
    expect(address).toBe(Math.ceil((0x558a_40b7_2000 + 0x7f1e_2000_0000) / 2 / (64 * MiB)) * 64 * MiB);
  });

  test('heap: with several processes, the first common hole behind the highest heap that is long enough', () => {
    const occupied: Occupied = {
      ...onlyFree(hole(GiB, GiB), hole(3 * GiB, PAGE), hole(4 * GiB, MiB), hole(5 * GiB, GiB)),
      heapEnd: 2 * GiB,
    };
    expect(choose('heap', occupied)).toBe(4 * GiB);
  });

  test('stack: the hole right before the stack', () => {
    const address = choose('stack', real);
    expect(address).toBe(Math.ceil((0x7f1e_2bf0_0000 + 0x7ffd_5c6e_3000) / 2 / (64 * MiB)) * 64 * MiB);
  });

  test('stack: with several processes, the last common hole before the lowest stack that is long enough', () => {
    const occupied: Occupied = {
      ...onlyFree(hole(GiB, GiB), hole(3 * GiB, MiB), hole(4 * GiB, PAGE), hole(6 * GiB, GiB)),
      stackStart: 5 * GiB,
    };
    expect(choose('stack', occupied)).toBe(3 * GiB);
  });

  test('libs: the biggest hole between heap and stack, though there be bigger ones outside', () => {
    const occupied: Occupied = {
      ...onlyFree(hole(GiB, GiB), hole(3 * GiB, MiB), hole(4 * GiB, 2 * MiB), hole(6 * GiB, GiB)),
      heapEnd: 2 * GiB,
      stackStart: 5 * GiB,
    };
    expect(choose('libs', occupied, 2 * MiB)).toBe(4 * GiB);
  });

  test('libs: a heap above the stack leaves nothing between them', () => {
    const error = refusal({
      occupied: { ranges: [], heapEnd: 2 * GiB, stackStart: GiB },
      length: PAGE,
      pageSize: PAGE,
      policy: 'libs',
    });
    expect(error.biggest).toBeUndefined();
    expect(error.message).toContain('no hole was found at all');
  });

  test.each([
    ['heap', { stackStart: GiB }, '[heap]'],
    ['stack', { heapEnd: GiB }, '[stack]'],
    ['libs', { stackStart: GiB }, '[heap]'],
    ['libs', { heapEnd: GiB }, '[stack]'],
  ] as const)(
    '%s: where no process told its heap or stack, there is no hole, and the error says which',
    (policy, known, missing) => {
      const error = refusal({ occupied: { ranges: [], ...known }, length: PAGE, pageSize: PAGE, policy });
      expect(error.message).toContain(`no process has a ${missing}`);
    },
  );

  test('the place in a hole is its middle, at the next multiple of 64 MiB', () => {
    expect(choose('biggest', onlyFree(hole(GiB + PAGE, GiB)))).toBe(GiB + 576 * MiB);
    expect(choose('biggest', onlyFree(hole(GiB, GiB)))).toBe(GiB + 512 * MiB);
  });

  test('else the next multiple of 2 MiB', () => {
    expect(choose('biggest', onlyFree(hole(GiB + 2 * MiB, 32 * MiB)))).toBe(GiB + 18 * MiB);
    // 64 MiB fits to the last byte, and not with one page more.
    expect(choose('biggest', onlyFree(hole(GiB + 16 * MiB, 49 * MiB)))).toBe(GiB + 64 * MiB);
    expect(choose('biggest', onlyFree(hole(GiB + 16 * MiB, 49 * MiB)), MiB + PAGE)).toBe(GiB + 42 * MiB);
  });

  test('with pages bigger than that, the next page', () => {
    expect(choose('biggest', onlyFree(hole(GiB, 48 * MiB)), 16 * MiB, 16 * MiB)).toBe(GiB + 32 * MiB);
  });

  test('else the end of the hole', () => {
    expect(choose('biggest', onlyFree(hole(GiB + PAGE, MiB + 8 * PAGE)))).toBe(GiB + 9 * PAGE);
  });
});

describe('an explicit address', () => {
  const occupied: Occupied = { ranges: [hole(GiB, MiB)] };

  test('is taken where it is free, down to touching what is occupied', () => {
    expect(choose({ address: GiB - MiB }, occupied)).toBe(GiB - MiB);
    expect(choose({ address: GiB + MiB }, occupied)).toBe(GiB + MiB);
  });

  test('is refused where one page of it is occupied, and the biggest hole is named', () => {
    for (const address of [GiB - MiB + PAGE, GiB, GiB + MiB - PAGE]) {
      const error = refusal({ occupied, length: MiB, pageSize: PAGE, policy: { address } });
      expect(error.message).toBe(
        `no address for 0x100000 bytes (policy 0x${address.toString(16)}): the range is taken in some process; ` +
          'the biggest hole found is 0x40100000+0x7fffbfeff000',
      );
    }
  });

  test('is refused outside the user address space', () => {
    expect(choose({ address: USER_SPACE_START }, { ranges: [] })).toBe(USER_SPACE_START);
    expect(choose({ address: USER_SPACE_END - MiB }, { ranges: [] })).toBe(USER_SPACE_END - MiB);
    for (const address of [0, USER_SPACE_START - PAGE, USER_SPACE_END - MiB + PAGE, 2 ** 47, 2 ** 56]) {
      expect(() => choose({ address }, { ranges: [] })).toThrow(/not between 0x10000 and 0x7ffffffff000/);
    }
  });

  test('must be page-aligned, to the real page size', () => {
    expect(() => choose({ address: GiB + 2048 }, { ranges: [] })).toThrow(RangeError);
    expect(() => choose({ address: GiB + PAGE }, { ranges: [] }, MiB, 64 * KiB)).toThrow(RangeError);
    expect(() => choose({ address: -PAGE }, { ranges: [] })).toThrow(RangeError);
    expect(() => choose({ address: NaN }, { ranges: [] })).toThrow(RangeError);
  });
});

describe('what is asked for', () => {
  test.each([0, -PAGE, 100, PAGE + 1, NaN, Infinity, 2 ** 60])('a length of %d is an error', (length) => {
    expect(() => choose('scatter', real, length)).toThrow(RangeError);
  });

  test('the length must be a multiple of the real page size', () => {
    expect(() => choose('scatter', real, 68 * KiB, 64 * KiB)).toThrow(RangeError);
  });

  test.each([0, -4096, 1, 2048, 5000, 12288, NaN, Infinity])('a page size of %d is an error', (pageSize) => {
    expect(() => choose('scatter', real, 12288 * 5000, pageSize)).toThrow(RangeError);
  });
});

describe('no hole', () => {
  test('the error names policy, length and biggest hole in one line, and carries them', () => {
    const occupied = onlyFree(hole(GiB, MiB), hole(3 * GiB, 2 * MiB), hole(5 * GiB, PAGE));
    const error = refusal({ occupied, length: 4 * MiB, pageSize: PAGE });
    expect(error).toMatchObject({
      name: 'NoHoleError',
      code: 'HWLOC_SHARE_NO_HOLE',
      length: 4 * MiB,
      biggest: hole(3 * GiB, 2 * MiB),
    });
    expect(error.message).toBe(
      'no address for 0x400000 bytes (policy scatter): no common hole is long enough; the biggest hole found is 0xc0000000+0x200000',
    );
  });

  test('a full address space has no biggest hole', () => {
    const error = refusal({ occupied: { ranges: [{ start: 0, end: TOP }] }, length: PAGE, pageSize: PAGE });
    expect(error.biggest).toBeUndefined();
    expect(error.message).toContain('no hole was found at all');
  });

  test('with pages of 64 KiB, a hole counts only by its whole pages', () => {
    const occupied = onlyFree(hole(GiB + PAGE, 128 * KiB - PAGE));
    const error = refusal({ occupied, length: 128 * KiB, pageSize: 64 * KiB, policy: 'biggest' });
    expect(error.biggest).toEqual(hole(GiB + 64 * KiB, 64 * KiB));
    expect(choose('biggest', occupied, 64 * KiB, 64 * KiB)).toBe(GiB + 64 * KiB);
  });

  test('above 2^47 nothing is proposed, though processes map there', () => {
    const occupied: Occupied = {
      ranges: [{ start: 0, end: 2 ** 47 - PAGE }, hole(2 ** 48 - GiB, GiB), hole(2 ** 56 - GiB, MiB)],
      heapEnd: PAGE,
      stackStart: 2 ** 56 - GiB,
    };
    for (const policy of NAMES) {
      expect(refusal({ occupied, length: PAGE, pageSize: PAGE, policy }).biggest).toBeUndefined();
    }
  });
});

describe('policies as users write them', () => {
  test.each(NAMES)('%s', (name) => {
    expect(parsePolicy(name)).toBe(name);
  });

  test.each([
    ['0x41a200000000', 0x41a2_0000_0000],
    ['0x7FFD5C6E3000', 0x7ffd_5c6e_3000],
    // Not aligned: chooseHole refuses it, as it knows the page size.
    ['0x1', 1],
  ])('the address %s', (text, address) => {
    expect(parsePolicy(text)).toEqual({ address });
  });

  test.each([
    '',
    'Scatter',
    'middle',
    'toString',
    '0x',
    '41a200000000',
    '0X1000',
    '0x1g',
    '0x-1',
    ' heap',
    '0x11111111111111111',
  ])('%j is none', (text) => {
    expect(parsePolicy(text)).toBeUndefined();
  });
});

// A small arena of free and occupied units; everything around it is occupied, or free as far as the user address space goes.
// Where it lies decides which policy may use it: low, in a window, across a window's end, across the end of user space.
describe('against a bitmap of pages', () => {
  const UNITS = 64;
  const scenario = fc.record({
    unit: fc.constantFrom(PAGE, 16 * KiB, 64 * KiB, MiB),
    pageSize: fc.constantFrom(4 * KiB, 16 * KiB, 64 * KiB),
    base: fc.constantFrom(0, 0x2000_0000_0000, 0x4100_0000_0000, 0x5400_0000_0000, 0x6000_0000_0000, 2 ** 47),
    // So that bounds fall into the arena, aligned to nothing but 4 KiB.
    shift: fc.nat({ max: 32 }),
    nudge: fc.nat({ max: 20 }),
    mapped: fc.array(
      fc.tuple(fc.nat({ max: UNITS - 1 }), fc.integer({ min: 1, max: 12 })).map(([start, length]) => ({
        start,
        end: Math.min(start + length, UNITS),
      })),
      { maxLength: 10 },
    ),
    heapUnit: fc.option(fc.nat({ max: UNITS }), { nil: undefined }),
    stackUnit: fc.option(fc.nat({ max: UNITS }), { nil: undefined }),
    pages: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 600 })),
    policy: fc.constantFrom(...NAMES),
    seed: fc.string({ maxLength: 6 }),
  });

  test('every policy finds a hole exactly if there is one, free, page-aligned, in user space, and the one it names', () => {
    let found = 0;
    let missing = 0;
    fc.assert(
      fc.property(
        scenario,
        ({ unit, pageSize, base, shift, nudge, mapped, heapUnit, stackUnit, pages, policy, seed }) => {
          const origin = Math.max(0, base - shift * unit + nudge * PAGE);
          const at = (index: number): number => origin + index * unit;
          const occupied: Occupied = {
            ranges: rangeSet([
              { start: 0, end: origin },
              ...mapped.map(({ start, end }) => ({ start: at(start), end: at(end) })),
              { start: at(UNITS), end: TOP },
            ]),
            ...(heapUnit !== undefined && { heapEnd: at(heapUnit) }),
            ...(stackUnit !== undefined && { stackStart: at(stackUnit) }),
          };
          const length = pages * pageSize;

          // The model: which whole pages, from the arena's first to its last, may be used at all.
          const firstPage = Math.floor(origin / pageSize);
          const taken = bitmap(mapped, UNITS);
          const usable = Array.from({ length: Math.ceil(at(UNITS) / pageSize) - firstPage }, (_, i) => {
            const start = (firstPage + i) * pageSize;
            const end = start + pageSize;
            if (start < 0x10000 || end > 0x7fff_ffff_f000 || start < origin || end > at(UNITS)) return false;
            if (
              (policy === 'heap' || policy === 'libs') &&
              !(heapUnit !== undefined && start >= at(heapUnit))
            )
              return false;
            if (
              (policy === 'stack' || policy === 'libs') &&
              !(stackUnit !== undefined && end <= at(stackUnit))
            )
              return false;
            const units = taken.slice(Math.floor((start - origin) / unit), Math.ceil((end - origin) / unit));
            return !units.includes(true);
          });
          const holes = runs(usable, true);
          const size = (run: Range): number => run.end - run.start;
          const longest = Math.max(0, ...holes.map(size));

          const request: HoleRequest = { occupied, length, pageSize, policy, seed };
          if (longest < pages) {
            missing++;
            const error = refusal(request);
            expect(error.length).toBe(length);
            const unknown = error.message.includes('no process has');
            if (!unknown)
              expect(error.biggest === undefined ? 0 : size(error.biggest) / pageSize).toBe(longest);
            return;
          }
          found++;
          const address = chooseHole(request);
          expect(address % pageSize).toBe(0);
          expect(address).toBeGreaterThanOrEqual(0x10000);
          expect(address + length).toBeLessThanOrEqual(0x7fff_ffff_f000);
          expect(intersects(occupied.ranges, { start: address, end: address + length })).toBe(false);

          const page = address / pageSize - firstPage;
          const chosen = holes.find((run) => run.start <= page && page + pages <= run.end);
          const long = holes.filter((run) => size(run) >= pages);
          const biggest = holes.find((run) => size(run) === longest);
          if (policy === 'scatter') {
            const windowed = (candidate: number): number =>
              SCATTER_WINDOWS.findIndex(({ start, end }) => start <= candidate && candidate + length <= end);
            const slots = usable
              .map((_, i) => i)
              .filter((i) => ((firstPage + i) * pageSize) % (2 * MiB) === 0)
              .filter((i) => long.some((run) => run.start <= i && i + pages <= run.end))
              .map((i) => windowed((firstPage + i) * pageSize))
              .filter((index) => index >= 0);
            if (slots.length === 0) expect(chosen).toEqual(biggest);
            else {
              expect(windowed(address)).toBe(Math.min(...slots));
              expect(address % (2 * MiB)).toBe(0);
            }
          } else if (policy === 'biggest' || policy === 'libs') expect(chosen).toEqual(biggest);
          else expect(chosen).toEqual(policy === 'stack' ? long.at(-1) : long[0]);
        },
      ),
      { numRuns: 2000 },
    );
    // Both answers must have been exercised, or the property proves little.
    expect(Math.min(found, missing)).toBeGreaterThan(300);
  });

  test('an explicit address is given exactly if all its pages are free', () => {
    const base = 0x41a2_0000_0000;
    const anyRange = fc
      .tuple(fc.nat({ max: UNITS - 1 }), fc.integer({ min: 1, max: 12 }))
      .map(([start, length]) => ({ start, end: Math.min(start + length, UNITS) }));
    fc.assert(
      fc.property(fc.array(anyRange, { maxLength: 6 }), anyRange, (mapped, wanted) => {
        const bytes = ({ start, end }: Range): Range => ({
          start: base + start * PAGE,
          end: base + end * PAGE,
        });
        const occupied: Occupied = { ranges: rangeSet(mapped.map(bytes)) };
        const { start, end } = bytes(wanted);
        const ask = (): number => choose({ address: start }, occupied, end - start);
        if (bitmap(mapped, UNITS).slice(wanted.start, wanted.end).includes(true))
          expect(ask).toThrow(NoHoleError);
        else expect(ask()).toBe(start);
      }),
    );
  });
});
