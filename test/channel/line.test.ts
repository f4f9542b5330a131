// Lines of the protocol: what is written is what is read, and what is no line is named.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../../src/channel/errors.js';
import { formatLine, parseLine } from '../../src/channel/line.js';

const key = fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/);
const verb = fc.stringMatching(/^[a-z]{1,16}$/);
// Whole characters: a lone surrogate is in no file name and no message, and has no UTF-8.
const anyText = fc.string({ unit: 'binary', maxLength: 60 });

test('a verb and its values come back as they were, whatever they hold', () => {
  fc.assert(
    fc.property(verb, fc.dictionary(key, anyText, { noNullPrototype: true }), (verb, values) => {
      const line = formatLine(verb, values);
      expect(parseLine(line.slice(0, -1))).toEqual({ verb, values: new Map(Object.entries(values)) });
    }),
  );
});

test('a formatted line is one line of printable ASCII, whatever the values hold', () => {
  fc.assert(
    fc.property(fc.dictionary(key, fc.string({ unit: 'binary' }), { noNullPrototype: true }), (values) => {
      expect(formatLine('verb', values)).toMatch(/^verb( [a-z][a-z0-9-]*=[!-~]*)*\n$/);
    }),
  );
});

test('a value that is undefined is left out', () => {
  expect(formatLine('hello', { heap: undefined, rank: 3 })).toBe('hello rank=3\n');
});

describe('lines of ranges', () => {
  test.each([
    '1000-2000 7f00-7fff',
    '7f0c5a600000-7f0c5a622000 r--p 00000000 08:01 1048602                    /usr/lib/libc.so.6',
    'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0      [vsyscall]',
  ])('a line that begins with a range is taken as it is: %s', (line) => {
    expect(parseLine(line)).toEqual({ ranges: line });
  });
});

describe('what is no line', () => {
  test.each([
    ['', 'not a line'],
    [' hello', 'not a line'],
    ['HELLO rank=1', 'not a line'],
    ['hello\trank=1', 'not a line'],
    ['hello rank', 'not a key=value word'],
    ['hello =1', 'not a key=value word'],
    ['hello Rank=1', 'not a key=value word'],
    ['hello  rank=1', 'not a key=value word'],
    ['hello rank=1 rank=2', 'the key rank stands twice'],
    ['hello file=%zz', 'a % that is not followed'],
    ['hello file=%ff', 'a % that is not followed'],
    ['hello file=%e2%82', 'a % that is not followed'],
    ['12345678901234567-2 x', 'not a line'],
  ])('%j: %s', (line, why) => {
    expect(() => parseLine(line)).toThrow(ProtocolError);
    expect(() => parseLine(line)).toThrow(why);
    expect(() => parseLine(line)).toThrow(JSON.stringify(line));
  });

  test('the error shows the beginning of a long line only, and nothing that would upset a terminal', () => {
    const line = `\u001b[2J${'x'.repeat(5000)}`;
    const { message } = errorOf(() => parseLine(line));
    expect(message.length).toBeLessThan(150);
    expect(message).not.toContain('\u001b');
    expect(message).toContain('...');
  });

  test('any text is a line, or a ProtocolError', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        try {
          parseLine(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });
});

function errorOf(body: () => unknown): Error {
  try {
    body();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
