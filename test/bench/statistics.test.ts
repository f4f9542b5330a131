import { expect, test } from 'vitest';
import { fit, median, summarise } from '../../bench/support/statistics.js';

test('the median of an odd and of an even number of runs', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test('a summary holds quartiles and extremes, whatever the order of the runs', () => {
  expect(summarise([5, 3, 1, 4, 2])).toEqual({ median: 3, low: 2, high: 4, min: 1, max: 5, runs: 5 });
  expect(summarise([7])).toEqual({ median: 7, low: 7, high: 7, min: 7, max: 7, runs: 1 });
});

test('of no runs there is no summary', () => {
  expect(() => summarise([])).toThrow(RangeError);
});

test('a straight line is found through points that lie on it, and between those that do not', () => {
  expect(fit([2, 4, 8].map((ranks) => [ranks, 30 + 0.1 * ranks]))).toEqual({
    slope: expect.closeTo(0.1) as number,
    intercept: expect.closeTo(30) as number,
  });
  expect(fit([[0, 0], [1, 2], [2, 1]])).toEqual({ slope: 0.5, intercept: 0.5 }); // prettier-ignore
});

test('one point makes no line', () => {
  expect(() => fit([[64, 1], [64, 2]])).toThrow(RangeError); // prettier-ignore
});
