// Reading /proc/<pid>/maps, whole and cut, and the range words that ranks send each other.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MapsFormatError, parseMaps, parseRange, parseRanges, type Range } from '../../src/maps/index.js';
import { formatRange } from '../support/ranges.js';
import { line, program } from './samples.js';

const PAGE = 4096;

/** Ranges of pages anywhere in 64 bits, exact as doubles. */
const anyRange = fc
  .uniqueArray(
    fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 52n - 1n }),
      fc.bigInt({ min: 2n ** 41n - 64n, max: 2n ** 41n + 64n }),
    ),
    { minLength: 2, maxLength: 2 },
  )
  .map((pages) => pages.map((page) => page * BigInt(PAGE)).sort((a, b) => (a < b ? -1 : 1)));

describe('the maps of a process', () => {
  test('every line becomes a mapping with its range, permissions and path', () => {
    const mappings = parseMaps(program);
    expect(mappings).toHaveLength(15);
    expect(mappings[1]).toEqual({
      start: 0x558a_3c40_2000,
      end: 0x558a_3f00_0000,
      permissions: 'r-xp',
      path: '/usr/bin/node',
    });
  });

  test('an anonymous mapping has an empty path, with and without the space that the kernel leaves behind it', () => {
    expect(parseMaps(program)[5]).toEqual({
      start: 0x7f1e_2000_0000,
      end: 0x7f1e_2002_1000,
      permissions: 'rw-p',
      path: '',
    });
    expect(parseMaps('1000-2000 rw-p 00000000 00:00 0\n')[0]?.path).toBe('');
  });

  test('a deleted file keeps the mark of the kernel behind its path, and the spaces in it', () => {
    expect(parseMaps(program)[7]).toMatchObject({
      permissions: 'rw-s',
      path: '/dev/shm/old topology (deleted)',
    });
  });

  test.each([
    '/tmp/a  b',
    '/tmp/ends in a space ',
    '/tmp/\r',
    '/tmp/\u2028x',
    '/tmp/ä',
    '/tmp/[heap]',
    'anon_inode:[io_uring]',
  ])('a path is taken as it is: %j', (path) => {
    expect(parseMaps(line('1000-2000', path)).map((mapping) => mapping.path)).toEqual([path]);
  });

  test('a newline in a path, printed as \\012, is a newline again; other backslashes stay', () => {
    const [mapping] = parseMaps(line('1000-2000', String.raw`/tmp/two\012lines\012and \040 \134 C:\x`));
    expect(mapping?.path).toBe('/tmp/two\nlines\nand \\040 \\134 C:\\x');
  });

  test('the stack of the main thread, of another thread, and the heap keep their names', () => {
    const paths = parseMaps(program).map((mapping) => mapping.path);
    expect(paths.filter((path) => path.startsWith('[s'))).toEqual(['[stack:4711]', '[stack]']);
    expect(paths.filter((path) => path === '[heap]')).toHaveLength(2);
  });

  test('[vsyscall], beyond 2^53, is exact to the byte', () => {
    const vsyscall = parseMaps(program).at(-1);
    expect(vsyscall?.path).toBe('[vsyscall]');
    expect(BigInt(vsyscall?.start ?? 0)).toBe(0xffff_ffff_ff60_0000n);
    expect(BigInt(vsyscall?.end ?? 0)).toBe(0xffff_ffff_ff60_1000n);
  });

  test('addresses padded to eight digits, as of a program that is not PIE, are read', () => {
    expect(parseMaps(line('00400000-00452000'))[0]).toMatchObject({ start: 0x40_0000, end: 0x45_2000 });
  });

  test('an empty text, as of a kernel thread, has no mappings', () => {
    expect(parseMaps('')).toEqual([]);
  });
});

describe('maps that were cut', () => {
  const last = '7f1e2b400000-7f1e2b428000 r--p 00000000 fd:01 1311520                    /usr/lib/libc.so.6';
  const before = line('1000-2000');
  const usableFrom = '7f1e2b400000-7f1e2b428000 r--p '.length;

  test('wherever the last line is cut, its range is whole or left out, never shortened', () => {
    for (let length = 0; length <= last.length; length++) {
      const ranges = parseMaps(before + last.slice(0, length)).slice(1);
      const expected = length < usableFrom ? [] : [{ start: 0x7f1e_2b40_0000, end: 0x7f1e_2b42_8000 }];
      expect(ranges, `cut after ${length} characters`).toMatchObject(expected);
      expect(ranges).toHaveLength(expected.length);
    }
  });

  test('a range is left out whose permissions are cut, and kept as soon as the space behind them is there', () => {
    expect(parseMaps('7f00-7f')).toEqual([]);
    expect(parseMaps('1000-2000')).toEqual([]);
    expect(parseMaps('1000-2000 r--p')).toEqual([]);
    expect(parseMaps('1000-2000 r--p ')).toEqual([
      { start: 0x1000, end: 0x2000, permissions: 'r--p', path: '' },
    ]);
  });

  test('of a line cut in its offset, device or inode no piece is taken for a path', () => {
    for (const rest of [
      '0000',
      '00000000 ',
      '00000000 fd',
      '00000000 fd:01',
      '00000000 fd:01 13',
      '00000000 fd:01 1311 ',
    ]) {
      expect(parseMaps(`1000-2000 r--p ${rest}`)[0]?.path, rest).toBe('');
    }
  });

  test('a last line that only lacks its newline is whole', () => {
    expect(parseMaps(before + last)[1]?.path).toBe('/usr/lib/libc.so.6');
  });

  test('a last line that cannot be the beginning of a mapping is an error all the same', () => {
    for (const text of ['cannot open', '1000-2000x', '1000-2000 rwx?', '2000-1000 r--p ', '1'.repeat(17)]) {
      expect(() => parseMaps(before + text), text).toThrow(MapsFormatError);
    }
  });
});

describe('text that is not maps', () => {
  test.each([
    ['an empty line', ''],
    ['words', 'Permission denied'],
    ['an inverted range', '2000-1000 r--p 00000000 00:00 0 '],
    ['an empty range', '2000-2000 r--p 00000000 00:00 0 '],
    ['a range with 0x', '0x1000-0x2000 r--p 00000000 00:00 0 '],
    ['an address of 17 digits', '1000-10000000000000000 r--p 00000000 00:00 0 '],
    ['three permissions', '1000-2000 r-- 00000000 00:00 0 '],
    ['unknown permissions', '1000-2000 rwxq 00000000 00:00 0 '],
    ['a range alone', '1000-2000'],
    ['no device', '1000-2000 r--p 00000000'],
    ['no inode', '1000-2000 r--p 00000000 00:00'],
    ['the beginning of a longer line', '1000-2000 r--p '],
  ])('%s in the middle is an error that names the line', (_what, bad) => {
    const text = `${line('100-200')}${bad}\n${line('3000-4000')}`;
    const error = thrownBy(() => parseMaps(text));
    expect(error).toBeInstanceOf(MapsFormatError);
    expect(error).toMatchObject({ name: 'MapsFormatError', code: 'HWLOC_SHARE_MAPS_FORMAT', line: 2 });
    expect(error.message).toContain('line 2 ');
  });

  test('the error quotes a long line shortened, and control characters escaped', () => {
    const bad = `\u001b[31m${'x'.repeat(5000)}`;
    const error = thrownBy(() => parseMaps(`${bad}\n`));
    expect(error.message.length).toBeLessThan(150);
    expect(error.message).toContain('"\\u001b[31mxxx');
    expect(error.message).toContain('…');
  });
});

describe('the range words of the pipe protocol', () => {
  test.each([
    ['1000-2000', 0x1000, 0x2000],
    ['0-1', 0, 1],
    ['00400000-00401000', 0x40_0000, 0x40_1000],
    ['7FFD5C6E3000-7ffd5c704000', 0x7ffd_5c6e_3000, 0x7ffd_5c70_4000],
    ['0000000000000000-00007fffffffffff', 0, 0x7fff_ffff_ffff],
    ['1fffffffffffff-20000000000000', 2 ** 53 - 1, 2 ** 53],
  ])('%s is a range', (word, start, end) => {
    expect(parseRange(word)).toEqual({ start, end });
  });

  test.each([
    '',
    '-',
    '1000',
    '1000-',
    '-2000',
    '1000-1000',
    '2000-1000',
    '0x1000-0x2000',
    '1000-2000-3000',
    '1000--2000',
    ' 1000-2000',
    '1000-2000 ',
    '1000-2000\n',
    '1000–2000',
    '1000-200g',
    '+1000-2000',
    '1e3.0-2000',
    '00000000000000001-2000',
    '1000-00000000000002000',
  ])('%j is not a range', (word) => {
    expect(parseRange(word)).toBeUndefined();
  });

  test('an address beyond 2^53 that is not page-aligned is refused, not rounded', () => {
    expect(parseRange('1000-ffffffffffffffff')).toBeUndefined();
    expect(parseRange('20000000000001-20000000001000')).toBeUndefined();
    expect(parseRange('1000-fffffffffffff000')).toEqual({
      start: 0x1000,
      end: Number(0xffff_ffff_ffff_f000n),
    });
  });

  test('a range is written in lower-case hex', () => {
    expect(formatRange({ start: 0xab000, end: 0x7fff_ffff_f000 })).toBe('ab000-7ffffffff000');
  });

  test('any pages of the 64-bit space survive writing and reading, to the byte', () => {
    fc.assert(
      fc.property(anyRange, ([start = 0n, end = 0n]) => {
        const word = formatRange({ start: Number(start), end: Number(end) });
        expect(word).toBe(`${start.toString(16)}-${end.toString(16)}`);
        const read = parseRange(word);
        expect([BigInt(read?.start ?? -1), BigInt(read?.end ?? -1)]).toEqual([start, end]);
      }),
    );
  });

  test('any other text is either refused or exactly two hex numbers', () => {
    const almost = fc.string({
      unit: fc.constantFrom(...'0123456789abcdefABCDEF-x \n'.split('')),
      maxLength: 36,
    });
    fc.assert(
      fc.property(almost, (word) => {
        const range = parseRange(word);
        if (range === undefined) return;
        expect(word).toMatch(/^[\da-fA-F]{1,16}-[\da-fA-F]{1,16}$/);
        expect(word.split('-').map((digits) => BigInt(`0x${digits}`))).toEqual([
          BigInt(range.start),
          BigInt(range.end),
        ]);
      }),
      { numRuns: 2000 },
    );
  });
});

function thrownBy(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was thrown');
}

describe('ranges of a line', () => {
  /** What parseRanges promises, word by word. */
  function oneByOne(text: string): Range[] {
    const words = text.split(' ');
    const end = words.findIndex((word) => !/^[\da-f]{1,16}-[\da-f]{1,16}$/i.test(word));
    return words.slice(0, end === -1 ? undefined : end).map((word) => {
      const range = parseRange(word);
      if (range === undefined) throw new RangeError(`${word} is not a range of addresses`);
      return range;
    });
  }

  function read(text: string): Range[] {
    const ranges: Range[] = [];
    parseRanges(text, ranges);
    return ranges;
  }

  test.each([
    ['1000-2000 rw-s 00000000 00:2d 7  /tmp/a b 3000-4000 (deleted)', 1],
    ['7ffd1000-7ffd2000 rw-p 00000000 00:00 0                          [stack]', 1],
    ['ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0      [vsyscall]', 1],
    ['1000-2000 7F00-7fff', 2],
    ['1000-2000 3000-4000 ', 2],
    ['1000-2000  3000-4000', 1],
    ['1000-2000 3000-4000\t5000-6000', 1],
    ['1000-2000-3000', 0],
    ['hello', 0],
    ['', 0],
  ])('%j has %i', (text, count) => {
    expect(read(text)).toHaveLength(count);
    expect(read(text)).toEqual(oneByOne(text));
  });

  test.each(['2000-1000', '1000-1000', '1000-2000 5000-4000', '1000-ffffffffffffffff'])(
    '%j is refused',
    (text) => {
      expect(() => read(text)).toThrow('is not a range of addresses');
      expect(() => oneByOne(text)).toThrow('is not a range of addresses');
    },
  );

  test('are added to those before', () => {
    const ranges = read('1000-2000');
    parseRanges('3000-4000 5000-6000', ranges);
    expect(ranges).toHaveLength(3);
  });

  test('are the same as word by word, whatever the text', () => {
    const digits = fc.string({ unit: fc.constantFrom(...'0123456789abcdefABCDEF'.split('')), maxLength: 17 });
    const address = fc.oneof(
      digits,
      digits.map((some) => `${some.slice(0, 13)}000`),
    );
    const word = fc.tuple(address, address).map(([start, end]) => `${start}-${end}`);
    const almost = fc.string({ unit: fc.constantFrom(...'0123456789abcdef- x\t'.split('')), maxLength: 60 });
    const line = fc.oneof(
      almost,
      fc.array(word, { maxLength: 5 }).map((words) => words.join(' ')),
    );
    const outcome = (how: (text: string) => Range[], text: string) => {
      try {
        return how(text);
      } catch (error) {
        return error;
      }
    };
    fc.assert(
      fc.property(line, (text) => {
        expect(outcome(read, text)).toEqual(outcome(oneByOne, text));
      }),
      { numRuns: 3000 },
    );
  });
});
