// The index at the beginning of a file with data: it comes back as it was written, and one that leads astray is refused.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DataPiece, formatDataIndex, parseDataIndex } from '../../../src/rank/data/data-index.js';
import { ProtocolError } from '../../../src/channel/index.js';

const parse = (text: string, length = 2 ** 40) => parseDataIndex(length, (bytes) => text.slice(0, bytes));

const pieces: fc.Arbitrary<DataPiece[]> = fc.array(
  fc.record({
    name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }),
    offset: fc.integer({ min: 0, max: 2 ** 39 }),
    length: fc.integer({ min: 0, max: 2 ** 39 }),
  }),
  { maxLength: 20 },
);

test('comes back as it was, whatever stands behind it', () => {
  fc.assert(
    fc.property(pieces, fc.string(), (written, rest) => {
      expect(parse(formatDataIndex(written) + rest)).toEqual(written);
    }),
  );
});

test('has the same length whatever the offsets are', () => {
  const at = (offset: number) => formatDataIndex([{ name: 'a', offset, length: 1 }]).length;
  expect(at(0)).toBe(at(2 ** 50));
});

test('is as the protocol page says', () => {
  expect(formatDataIndex([{ name: 'the table', offset: 128, length: 24 }])).toBe(
    'index hwloc-share=1 bytes=0000000000006c\npiece name=the%20table offset=00000000000080 length=00000000000018\n',
  );
});

describe('is refused', () => {
  const good = formatDataIndex([{ name: 'a', offset: 64, length: 10 }]);
  test.each([
    ['when a piece ends behind the data', good, 73],
    ['when a piece begins behind the data', good, 63],
    ['when it is longer than the data', good, 20],
    ['when it is cut short', good.slice(0, -5), 100],
    ['when it is none', 'plan generation=1\n'.padEnd(100), 100],
    ['when it is zeros', '\0'.repeat(200), 200],
    [
      'when it says that it is shorter than it can be',
      good.replace(/bytes=\w+/, 'bytes=00000000000001'),
      100,
    ],
    ['when a number is none', good.replace('offset=0', 'offset=-'), 100],
    ['when a name is missing', good.replace('name=a', 'nome=a'), 100],
  ])('%s', (_, text, length) => {
    expect(() => parse(text, length)).toThrow(ProtocolError);
  });

  test('whatever it is: as an error of the protocol', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(300), (junk, length) => {
        try {
          for (const piece of parse(junk, length))
            expect(piece.offset + piece.length).toBeLessThanOrEqual(length);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });
});
