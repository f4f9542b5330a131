import { XMLParser } from 'fast-xml-parser';
import { expect, test } from 'vitest';
import { type Plot, svg } from '../../bench/support/plot.js';

const plot: Plot = {
  name: 'demo',
  title: 'Tail & <all>',
  x: 'ranks',
  y: 'tail',
  unit: 'ms',
  series: [
    { label: 'ours', isOurs: true, points: [{ x: 2, y: 1, low: 0.9, high: 1.2 }, { x: 64, y: 2 }] }, // prettier-ignore
    { label: 'theirs', points: [{ x: 2, y: 10 }, { x: 64, y: 5000 }] }, // prettier-ignore
  ],
};

/** The texts of a picture. */
function wordsIn(picture: string): (string | undefined)[] {
  return [...picture.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, word]) => word);
}

test('a plot is well-formed, and names its lines and values', async () => {
  const picture = await svg(plot, 'a run');
  expect(new XMLParser().parse(picture)).toHaveProperty('svg');
  const expected = [
    'Tail &amp; &lt;all&gt;',
    'a run',
    'ranks',
    'tail',
    'ours',
    'theirs',
    '2',
    '64',
    '1 ms',
    '100 ms',
    '1 s',
  ];
  expect(wordsIn(picture)).toEqual(expect.arrayContaining(expected));
});

test('the same figures make the same picture', async () => {
  expect(await svg(plot, 'a run')).toBe(await svg(plot, 'a run'));
});

test('memory is in units of 1,024', async () => {
  const series = [{ label: 'one', points: [{ x: 1, y: 10_240 }, { x: 2, y: 10_485_760 }] }]; // prettier-ignore
  expect(wordsIn(await svg({ ...plot, unit: 'bytes', series }, 'a run')).join(' ')).toMatch(/KiB.*MiB/);
});

test('a value that has no logarithm is refused', async () => {
  const series = [{ label: 'nothing', points: [{ x: 1, y: 0 }] }];
  await expect(svg({ ...plot, series }, 'a run')).rejects.toThrow(RangeError);
});
