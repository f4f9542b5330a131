// Bytes as texts: whatever they are, they come back as they were; and what is UTF-8 is what Node makes of it.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOf, fileNamed, hasOtherBytes, textOf } from '../../src/environment/index.js';

const someBytes = fc
  .oneof(
    fc.uint8Array({ maxLength: 40 }),
    // Mostly text, with a slip.
    fc
      .tuple(
        fc.string({ unit: 'grapheme' }),
        fc.uint8Array({ maxLength: 3 }),
        fc.string({ unit: 'grapheme' }),
      )
      .map(([a, b, c]) => Buffer.concat([Buffer.from(a), b, Buffer.from(c)])),
  )
  .map((bytes) => Buffer.from(bytes));

test('all bytes come back', () => {
  fc.assert(
    fc.property(someBytes, (bytes) => {
      expect(bytesOf(textOf(bytes))).toEqual(bytes);
    }),
    { numRuns: 2000 },
  );
});

test('UTF-8 is the text that it is, and stands for no other bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const bytes = Buffer.from(text);
      expect(textOf(bytes)).toBe(text);
      expect(bytesOf(text)).toEqual(bytes);
      expect(hasOtherBytes(text)).toBe(false);
      expect(fileNamed(text)).toBe(text);
    }),
  );
});

test.each([
  ['a byte of latin1', Buffer.from('caf\xe9', 'latin1'), 'caf\udce9'],
  ['a character that is cut short', Buffer.from([0x61, 0xf0, 0x9f, 0x98]), 'a\udcf0\udc9f\udc98'],
  ['half of a surrogate pair', Buffer.from([0xed, 0xb3, 0xa9]), '\udced\udcb3\udca9'],
  ['a character in more bytes than it needs', Buffer.from([0xc0, 0xaf]), '\udcc0\udcaf'],
  ['a byte behind a character of two halves', Buffer.from([0xf0, 0x9f, 0x98, 0x80, 0xe9]), '😀\udce9'],
])('%s is no text', (_, bytes, text) => {
  expect(textOf(bytes)).toBe(text);
  expect(hasOtherBytes(text)).toBe(true);
  expect(fileNamed(text)).toEqual(bytes);
});
