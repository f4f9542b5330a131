import { expect, test } from 'vitest';
import { type Costs, expectedMaximum, simulateTail } from '../../bench/scale/node.js';

const costs: Costs = {
  load: 30,
  once: 2,
  admit: 0.06,
  plan: 0.04,
  release: 0.02,
  greet: 3,
  reserve: 0.2,
  adopt: 0.1,
};

test('on a single core, a join takes all the work that there is', () => {
  const members = 7;
  const all = 30 + 2 + members * (0.06 + 0.04 + 0.02 + 3 + 0.2 + 0.1);
  expect(simulateTail(members + 1, 1, costs)).toBeCloseTo(all);
});

test('with a core for each rank, what remains is the load and what the leader does one after another', () => {
  const tail = (ranks: number) => simulateTail(ranks, ranks, costs);
  expect(tail(2)).toBeGreaterThan(32);
  expect(tail(2)).toBeLessThan(33);
  // The greetings are dealt with while the machine is loaded.
  expect(tail(512) - tail(2)).toBeGreaterThan(510 * 0.04);
  expect(tail(512) - tail(2)).toBeLessThan(510 * 0.12);
});

test('more ranks take longer, more cores do not', () => {
  const ranks = [2, 8, 64, 512].map((count) => simulateTail(count, 4, costs));
  expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
  const cores = [1, 2, 16, 256].map((count) => simulateTail(256, count, costs));
  expect(cores).toEqual([...cores].sort((a, b) => b - a));
});

test('the slowest of many nodes is late by as much as the runs of one are spread', () => {
  expect(expectedMaximum(10, 10, 10, 1000)).toBeCloseTo(10);
  expect(expectedMaximum(10, 9, 11, 1)).toBeCloseTo(10);
  // The largest of 1,000 draws lies 3.24 sigma above the middle; these quartiles make a sigma of 0.149.
  expect(expectedMaximum(10, 9, 11, 1000)).toBeCloseTo(10 * Math.exp(3.24 * 0.1488), 1);
});
