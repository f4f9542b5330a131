// What is read of /proc and /sys.
import { expect, test } from 'vitest';
import { numbersIn } from '../../src/libc/index.js';

test('lists of the kernel are read', () => {
  expect(numbersIn('0-2,8')).toEqual([0, 1, 2, 8]);
  expect(numbersIn('5')).toEqual([5]);
  expect(numbersIn('')).toEqual([]);
});
