import { expect, test } from 'vitest';
import { parseOptions } from '../../bench/options.js';

test('without a word: ten runs, five minutes, everything', () => {
  expect(parseOptions([])).toMatchObject({ names: [], minutes: 5, runs: 10, inputs: [], ranks: [] });
});

test('names, inputs, rank counts and contenders', () => {
  const words = ['compare', '--input', '512,128arm', '--ranks', '2,64', '--contenders=share,floor', 'adopt'];
  expect(parseOptions(words)).toMatchObject({
    names: ['compare', 'adopt'],
    inputs: ['512', '128arm'],
    ranks: [2, 64],
    contenders: ['share', 'floor'],
  });
});

test('a quick check is of two ranks on this machine, twice, unless more is asked for', () => {
  expect(parseOptions(['--quick'])).toMatchObject({ inputs: ['this'], ranks: [2], runs: 2 });
  expect(parseOptions(['--quick', '--ranks', '4'])).toMatchObject({ inputs: ['this'], ranks: [4], runs: 2 });
});

test.each([
  ['--runs', 'many'],
  ['--minutes', '0'],
  ['--ranks', '2,2.5'],
])('%s %s is refused', (...words) => {
  expect(() => parseOptions(words)).toThrow(words[0]);
});
