// What one process, several, and this one occupy.
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  chooseHole,
  combine,
  contains,
  intersects,
  occupiedFrom,
  ownOccupied,
  parseMaps,
} from '../../src/maps/index.js';
import { scanOccupied } from '../../src/maps/occupied.js';
import { line, program } from './samples.js';

describe('what a process occupies', () => {
  test('neighbouring mappings are one range', () => {
    expect(occupiedFrom(parseMaps(program)).ranges).toEqual([
      { start: 0x558a_3c40_0000, end: 0x558a_3f01_0000 },
      { start: 0x558a_40a5_1000, end: 0x558a_40b7_2000 },
      { start: 0x7f1e_2000_0000, end: 0x7f1e_2400_0000 },
      { start: 0x7f1e_2a00_0000, end: 0x7f1e_2a20_0000 },
      { start: 0x7f1e_2b40_0000, end: 0x7f1e_2b5b_d000 },
      { start: 0x7f1e_2b70_0000, end: 0x7f1e_2bf0_0000 },
      { start: 0x7ffd_5c6e_3000, end: 0x7ffd_5c70_4000 },
      { start: 0x7ffd_5c7c_2000, end: 0x7ffd_5c7c_8000 },
      { start: Number(0xffff_ffff_ff60_0000n), end: Number(0xffff_ffff_ff60_1000n) },
    ]);
  });

  test('the heap ends with the last of its mappings, the stack is the main thread’s', () => {
    const { heapEnd, stackStart } = occupiedFrom(parseMaps(program));
    expect(heapEnd).toBe(0x558a_40b7_2000);
    expect(stackStart).toBe(0x7ffd_5c6e_3000);
  });

  test('a process without heap and stack says so by their absence', () => {
    const text = line('1000-2000', '/tmp/a [heap]') + line('3000-4000', '[stack:12]');
    expect(occupiedFrom(parseMaps(text))).toStrictEqual({
      ranges: [
        { start: 0x1000, end: 0x2000 },
        { start: 0x3000, end: 0x4000 },
      ],
    });
  });
});

describe('what several processes occupy', () => {
  test('all ranges, the highest heap’s end, the lowest stack', () => {
    const first = { ranges: [{ start: 1, end: 3 }], heapEnd: 40, stackStart: 80 };
    const second = { ranges: [{ start: 2, end: 5 }], heapEnd: 50, stackStart: 90 };
    const third = { ranges: [{ start: 7, end: 9 }] };
    const all = {
      ranges: [
        { start: 1, end: 5 },
        { start: 7, end: 9 },
      ],
      heapEnd: 50,
      stackStart: 80,
    };
    expect(combine([first, second, third])).toStrictEqual(all);
    expect(combine([third, second, first])).toStrictEqual(all);
  });

  test('where no process tells its heap or stack, the union tells none', () => {
    expect(combine([{ ranges: [] }, { ranges: [{ start: 1, end: 2 }] }])).toStrictEqual({
      ranges: [{ start: 1, end: 2 }],
    });
    expect(combine([])).toStrictEqual({ ranges: [] });
  });
});

describe('the short way from the kernel’s text', () => {
  const agree = (text: string): void => {
    expect(scanOccupied(text)).toStrictEqual(occupiedFrom(parseMaps(text)));
  };

  test('it finds what the long way finds in a program’s maps', () => {
    agree(program);
    agree('');
  });

  test('a file that is called like the heap or the stack is neither', () => {
    agree(
      line('1000-2000', '/tmp/[heap]') +
        line('2000-3000', '/tmp/a [stack]') +
        line('5000-6000', '/tmp/a [heap]'),
    );
    agree(line('1000-2000', '[heap]') + line('2000-3000', '/tmp/00000000 00:00 0 [heap]'));
  });

  test('a text cut in the middle of a line never shortens a range', () => {
    const text = line('1000-2000') + line('2000-7f0000');
    for (let length = line('1000-2000').length; length < text.length; length++) {
      expect(scanOccupied(text.slice(0, length)).ranges).toEqual([{ start: 0x1000, end: 0x2000 }]);
    }
  });

  test('it finds what the long way finds in any maps', () => {
    const anyPath = fc.constantFrom(
      '',
      '',
      '[heap]',
      '[stack]',
      '[stack:7]',
      '[vdso]',
      '/lib/a [heap]',
      '/a-b c (deleted)',
    );
    const anyMappings = fc.array(fc.tuple(fc.nat({ max: 2 }), fc.integer({ min: 1, max: 300 }), anyPath), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(anyMappings, fc.nat({ max: 2 ** 34 }), (mappings, firstPage) => {
        let page = firstPage;
        let text = '';
        for (const [gap, pages, path] of mappings) {
          const start = (page + gap) * 4096;
          page += gap + pages;
          text += line(
            `${start.toString(16).padStart(8, '0')}-${(page * 4096).toString(16).padStart(8, '0')}`,
            path,
          );
        }
        agree(text);
      }),
      { numRuns: 500 },
    );
  });
});

describe('what this process occupies', () => {
  test('its heap, its stack and its program are in it', () => {
    const own = ownOccupied();
    const mappings = parseMaps(readFileSync('/proc/self/maps', 'utf8'));
    const named = mappings.filter(
      ({ path }) => path === '[heap]' || path === '[stack]' || path === process.execPath,
    );
    expect(named.length).toBeGreaterThan(2);
    for (const { path, start, end } of named) {
      // Both grow while the tests run, each at its open end.
      const settled = path === '[stack]' ? { start: end - 4096, end } : { start, end: start + 4096 };
      expect(contains(own.ranges, settled), path).toBe(true);
    }
    expect(own.heapEnd).toBeGreaterThan(mappings.find(({ path }) => path === '[heap]')?.start ?? Infinity);
    expect(own.stackStart).toBeLessThan(mappings.find(({ path }) => path === '[stack]')?.end ?? 0);
  });

  test('its ranges are in order, merged, of whole pages', () => {
    let before = -1;
    for (const { start, end } of ownOccupied().ranges) {
      expect(start).toBeGreaterThan(before);
      expect(end).toBeGreaterThan(start);
      expect([start % 4096, end % 4096]).toEqual([0, 0]);
      before = end;
    }
  });

  test('a hole chosen from it is free', () => {
    const length = 1 << 20;
    const start = chooseHole({ occupied: ownOccupied(), length, pageSize: 4096, seed: 'a job' });
    expect(
      intersects(occupiedFrom(parseMaps(readFileSync('/proc/self/maps', 'utf8'))).ranges, {
        start,
        end: start + length,
      }),
    ).toBe(false);
  });
});
