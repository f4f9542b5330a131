// The nearest word: what a slip of the finger makes of a word is near to it, another word is not.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changes, nearest } from '../../src/check/nearest.js';

test.each([
  ['doctr', 'doctor'],
  ['docotr', 'doctor'],
  ['Doctor', 'doctor'],
  ['lcoal', 'local'],
  ['sho', 'show'],
  ['completoin', 'completion'],
  ['help', '--help'],
  ['--verson', '--version'],
])('%s is taken for %s', (word, meant) => {
  expect(nearest(word, ['local', 'clean', 'doctor', 'show', 'completion', '--help', '--version'])).toBe(
    meant,
  );
});

test.each(['x', '-', '', 'ls', 'a.out', 'python3', 'director'])('%j is taken for nothing', (word) => {
  expect(nearest(word, ['local', 'clean', 'doctor', 'show', 'maps', '-n', '--np', '--help'])).toBeUndefined();
});

test('the count of changes is a distance, and each single slip counts one', () => {
  const text = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(changes(a, b)).toBe(changes(b, a));
      expect(changes(a, b) === 0).toBe(a === b);
      expect(changes(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{2,12}$/), fc.nat(), (word, n) => {
      const at = n % word.length;
      const [before, after] = [word.slice(0, at), word.slice(at + 1)];
      expect(changes(word, before + after)).toBe(1);
      expect(changes(word, `${before}#${after}`)).toBe(1);
      expect(changes(word, `${before}#${word.slice(at)}`)).toBe(1);
      const swapped =
        word.slice(0, at) +
        word
          .slice(at, at + 2)
          .split('')
          .reverse()
          .join('') +
        word.slice(at + 2);
      expect(changes(word, swapped)).toBe(swapped === word ? 0 : 1);
    }),
  );
});
