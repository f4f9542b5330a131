// How ranks are named to a user.
import { expect, test } from 'vitest';
import { listOf } from '../../src/rank/stderr.js';

test.each([
  [[3], '3'],
  [[3, 7], '3 and 7'],
  [[3, 7, 9], '3, 7 and 9'],
  [[...Array(12).keys()], '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 11'],
  [[...Array(13).keys()], '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more'],
])('ranks are listed as a person would: %j', (ranks, text) => {
  expect(listOf(ranks)).toBe(text);
});
