import { XMLParser } from 'fast-xml-parser';
import { expect, test } from 'vitest';
import { type Plot, axis, spread, svg } from '../../bench/support/plot.js';
import { time } from '../../bench/support/table.js';

test('a logarithmic axis puts equal ratios at equal distances', () => {
  const { place } = axis([2, 256], 0, 700);
  expect(place(4) - place(2)).toBeCloseTo(place(256) - place(128));
  expect(place(2)).toBeGreaterThan(0);
  expect(place(256)).toBeLessThan(700);
});

test('its ticks are powers of ten, with those between them where there are too few', () => {
  expect(axis([1, 10_000], 0, 1).ticks).toEqual([1, 10, 100, 1000, 10_000]);
  expect(axis([2, 40], 0, 1).ticks).toEqual([2, 5, 10, 20]);
  expect(axis([30, 60], 0, 1).ticks).toEqual([30, 40, 50, 60]);
});

test('a value that has no logarithm is refused', () => {
  expect(() => axis([0, 10], 0, 1)).toThrow(RangeError);
});

test('labels that would lie over each other are moved apart, within the frame', () => {
  expect(spread([10, 200, 100], 15, 0, 300)).toEqual([10, 200, 100]);
  expect(spread([100, 101, 102], 15, 0, 300)).toEqual([100, 115, 130]);
  const low = spread([298, 299, 300], 15, 0, 300);
  expect(low).toEqual([270, 285, 300]);
});

test('a plot is well-formed, and names its lines and values', () => {
  const plot: Plot = {
    name: 'demo',
    title: 'Tail & <all>',
    x: 'ranks',
    y: 'tail',
    format: time,
    series: [
      { label: 'ours', isOurs: true, points: [{ x: 2, y: 1, low: 0.9, high: 1.2 }, { x: 64, y: 2 }] }, // prettier-ignore
      { label: 'theirs', points: [{ x: 2, y: 10 }, { x: 64, y: 500 }] }, // prettier-ignore
    ],
  };
  const text = svg(plot);
  expect(new XMLParser().parse(text)).toHaveProperty('svg.polyline');
  const words = [...text.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, word]) => word);
  expect(words).toEqual(
    expect.arrayContaining([
      'Tail &amp; &lt;all&gt;',
      'ours',
      'theirs',
      '2',
      '64',
      '1 ms',
      '10 ms',
      '100 ms',
    ]),
  );
});
