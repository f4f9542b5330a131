// Lines of the protocol: what one formats, another parses; what is no line is refused.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../../src/channel/errors.js';
import { formatLine, numberIn, parseLine } from '../../src/channel/line.js';

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);

test('any values come back as they were, and the line has neither a newline nor a word too many', () => {
  fc.assert(
    fc.property(name, fc.dictionary(name, fc.string({ unit: 'grapheme' })), (verb, values) => {
      const line = formatLine(verb, values, '1000-2000');
      expect(line).toMatch(/^[!-~]+( [!-~]+)*$/);
      const parsed = parseLine(line);
      expect(parsed.verb).toBe(verb);
      expect(Object.fromEntries(parsed.values)).toEqual({ ...values });
      expect(parsed.ranges).toBe('1000-2000');
    }),
  );
});

test.each([
  '',
  ' local=1',
  'Hello',
  '7',
  'hello 1a=2',
  'hello =2',
  'hello A=2',
  'hello a=1 a=2',
  'hello a=%zz',
])('%j is refused', (line) => {
  expect(() => parseLine(line)).toThrow(ProtocolError);
});

describe('a number', () => {
  test.each([
    ['0', 10, 0],
    ['42', 10, 42],
    ['9007199254740991', 10, Number.MAX_SAFE_INTEGER],
    ['4abc00000000', 16, 0x4abc_0000_0000],
    ['00ff', 16, 255],
    ['4ABC', 16, 0x4abc],
  ] as const)('%s, of base %i, is understood', (text, base, number) => {
    expect(numberIn(text, base)).toBe(number);
  });

  test.each([
    ['', 10],
    ['-1', 10],
    ['1.5', 10],
    [' 1', 10],
    ['1 ', 10],
    ['1e3', 10],
    ['0x10', 16],
    ['ff', 10],
    ['fg', 16],
    ['9007199254740993', 10],
    ['ffffffffffffffff', 16],
  ] as const)('%j, of base %i, is none', (text, base) => {
    expect(numberIn(text, base)).toBeUndefined();
  });
});
