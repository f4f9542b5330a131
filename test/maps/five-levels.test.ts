// Address spaces of 57 bits (5-level page tables): nothing of them is lost or rounded, and no address above 2^47 is ever planned.
import { describe, expect, test } from 'vitest';
import { reportedByRanks } from '../../src/rank/leader/reported.js';
import { scanOccupied } from '../../src/maps/occupied.js';
import {
  NoHoleError,
  type Occupied,
  chooseHole,
  combine,
  gaps,
  intersects,
  occupiedFrom,
  parseMaps,
  rangeSet,
} from '../../src/maps/index.js';
import { formatRange } from '../support/ranges.js';
import { fiveLevels, program } from './samples.js';

const page = 4096;
const length = 2 ** 20;
const policies = ['scatter', 'begin', 'biggest', 'libs', 'heap', 'stack'] as const;
const wide = occupiedFrom(parseMaps(fiveLevels));

test('every mapping is read to the byte, whichever way it is read', () => {
  const words = fiveLevels
    .trimEnd()
    .split('\n')
    .map((line) => (line.split(' ')[0] ?? '').split('-').map((digits) => BigInt(`0x${digits}`)));
  const read = parseMaps(fiveLevels).map(({ start, end }) => [BigInt(start), BigInt(end)]);
  expect(read).toEqual(words);
  expect(scanOccupied(fiveLevels)).toEqual(wide);
  expect(wide).toMatchObject({ heapEnd: 0x5555_5557_9000, stackStart: 0x7fff_fffd_e000 });
});

test('pages apart stay apart beyond 2^53, and those that touch become one range', () => {
  expect(wide.ranges.slice(-6)).toEqual([
    { start: 0x7fff_fffd_e000, end: 0x8000_0000_1000 },
    { start: 0xffff_ffff_e000, end: 0x1_0000_0000_1000 },
    { start: 2 ** 53 - page, end: 2 ** 53 + page },
    { start: 2 ** 53 + 2 * page, end: 2 ** 53 + 3 * page },
    { start: 0xff * 2 ** 48, end: 2 ** 56 - page },
    { start: 2 ** 64 - 10 * 2 ** 20, end: 2 ** 64 - 10 * 2 ** 20 + page },
  ]);
  const between = { start: 2 ** 53, end: 2 ** 53 + 4 * page };
  expect(gaps(wide.ranges, between)).toEqual([
    { start: 2 ** 53 + page, end: 2 ** 53 + 2 * page },
    { start: 2 ** 53 + 3 * page, end: 2 ** 53 + 4 * page },
  ]);
});

test('a member tells its leader all of it', () => {
  const book = reportedByRanks();
  const { heapEnd, stackStart } = wide;
  const from = { local: 1, round: 0 };
  const words = wide.ranges.map(formatRange);
  const hello = { verb: 'hello', ...from, rank: 1, abi: 1, cpus: undefined, mems: undefined } as const;
  book.take({ ...hello, heapEnd, stackStart, ranges: words.slice(0, 3).join(' '), more: true });
  book.take({ verb: 'ranges', ...from, ranges: words.slice(3).join(' '), more: false });
  expect(book.occupied()).toEqual([wide]);
});

describe.each(policies)('with the policy %s', (policy) => {
  const choose = (occupied: Occupied) => chooseHole({ occupied, length, pageSize: page, policy });

  test('the address is free in such a process and in others, and below 2^47', () => {
    for (const occupied of [wide, combine([wide, occupiedFrom(parseMaps(program))])]) {
      const address = choose(occupied);
      expect(address + length).toBeLessThan(2 ** 47);
      expect(intersects(occupied.ranges, { start: address, end: address + length })).toBe(false);
    }
  });

  test('where all below 2^47 is taken, there is no hole, however much is free above', () => {
    const taken = { start: 0, end: 2 ** 47 - page };
    expect(() => choose({ ...wide, ranges: rangeSet([...wide.ranges, taken]) })).toThrow(NoHoleError);
  });
});

test('an address above 2^47 that a user asks for is refused', () => {
  const policy = { address: 2 ** 48 + 2 ** 30 };
  expect(() => chooseHole({ occupied: wide, length, pageSize: page, policy })).toThrow(NoHoleError);
});
