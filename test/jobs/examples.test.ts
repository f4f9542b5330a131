// The examples do what they say.
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runSharedJob } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';

const example = (name: string) => [process.execPath, resolve(import.meta.dirname, '../../examples', name)];

test('the first job prints the place of each rank', async () => {
  const { stdout, stderr } = await runSharedJob(wrapper('local', '-n', '3', ...example('first-job.mjs')));
  const lines = stdout.trimEnd().split('\n').sort();
  expect(lines).toHaveLength(3);
  for (const [rank, line] of lines.entries()) {
    expect(line).toMatch(
      new RegExp(`^rank ${rank} of 3: number ${rank} of 3 on .* ${cpus().length} PUs \\(adopted\\)$`),
    );
  }
  expect(stderr).toBe('');
});

test('each rank is bound to its own core', async () => {
  const ranks = Math.min(cpus().length, 4);
  const { stdout } = await runSharedJob(wrapper('local', '-n', String(ranks), ...example('bind.mjs')));
  const lines = stdout.trimEnd().split('\n');
  const bound = lines.map((line) => /PUs (\S+); bound to (\S+), running on (\S+)$/.exec(line) ?? []);
  expect(new Set(bound.map(([, pus]) => pus)).size).toBe(ranks);
  for (const [, pus, binding] of bound) expect(binding).toBe(pus);
});

test('the table is made once, and each rank counts its part of the primes', async () => {
  const { stdout, stderr } = await runSharedJob(wrapper('local', '-n', '3', ...example('table.mjs')));
  const lines = stdout.trimEnd().split('\n').sort();
  const counts = lines.map((line) =>
    Number(/^rank \d on \S+: (\d+) primes among 66666\d\d numbers$/.exec(line)?.[1]),
  );
  expect(counts.reduce((a, b) => a + b)).toBe(1_270_607);
  expect(stderr).toBe('');
});
