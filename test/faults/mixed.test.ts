// Jobs whose ranks are not all alike: that join in other ways, at other times, or never.
import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { compile, forC } from '../languages/ranks.js';
import { installed } from '../support/programs.js';
import { runJob } from '../support/job.js';
import { leftovers } from '../support/leftovers.js';
import { temporaryFolder } from '../support/temporary.js';
import { distFile, wrapper } from '../support/wrapper.js';

interface Mixed {
  rank: number;
  how: string;
  ms: number;
  reason?: string;
  same?: boolean;
  second?: { how: string; ms: number; reason?: string };
}

const mixed = join(import.meta.dirname, 'fixtures/mixed.mjs');

async function runMixed(
  mode: string,
  options: { timeout?: number; env?: Record<string, string>; bare?: true } = {},
) {
  const folder = temporaryFolder();
  const { timeout = 30, env, bare } = options;
  const program = [process.execPath, mixed];
  const command = bare
    ? ['sh', join(import.meta.dirname, 'fixtures/bare.sh'), '3', ...program]
    : wrapper('local', '-n', '3', ...program);
  const { stdout, stderr, exitCode } = await runJob(command, {
    env: { MIXED: mode, HWLOC_SHARE_DIR: folder, HWLOC_SHARE_TIMEOUT: String(timeout), ...env },
  });
  expect(exitCode, stderr).toBe(0);
  expect(leftovers([folder])).toEqual([]);
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  const told = lines.map((line) => JSON.parse(line) as Mixed).sort((a, b) => a.rank - b.rank);
  expect(told).toHaveLength(3);
  return { told, stderr, how: told.map((each) => each.how) };
}

test('join() twice: the same topology', async () => {
  const { told } = await runMixed('twice');
  expect(told[1]).toMatchObject({ how: 'adopted', same: true });
});

test('join() from two copies of the package in one process: the same topology', async () => {
  const copy = temporaryFolder();
  cpSync(join(distFile('.'), '..', 'dist'), join(copy, 'dist'), { recursive: true });
  cpSync(join(distFile('.'), '..', 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(distFile('.'), '..', 'node_modules'), join(copy, 'node_modules'));
  const { told } = await runMixed('copies', { env: { COPY: join(copy, 'dist/bundle/rank/index.mjs') } });
  expect(told[1]).toMatchObject({ how: 'adopted', same: true });
});

test('join() after close(): a copy, at once', async () => {
  const { told } = await runMixed('after-close');
  expect(told[1]).toMatchObject({
    how: 'adopted',
    second: { how: 'discovered', reason: /has joined before/ },
  });
  expect(told[1]?.second?.ms).toBeLessThan(2000);
});

test('a rank that lives and never joins: the others go on after a while, and its number is told', async () => {
  const { how, stderr } = await runMixed('never');
  expect(how).toEqual(['adopted', 'never', 'adopted']);
  expect(stderr).toMatch(/rank 1 has not joined; continuing without it \(it can still join\)/);
});

test('a rank that comes seconds after the others adopts what they have, and counts barriers as they do', async () => {
  const { how, stderr } = await runMixed('seconds');
  expect(how).toEqual(['adopted', 'adopted', 'adopted']);
  expect(stderr).not.toContain('barrier');
});

test.for([{ by: 'the wrapper' }, { by: 'hand', bare: true }] as const)(
  'a rank that joins when all others have left leads, or has their file; it leaves nothing (started by $by)',
  async ({ bare }) => {
    const options = { env: { MEETING: join(temporaryFolder(), 'pids') }, ...(bare && { bare }) };
    const { how, stderr } = await runMixed('last', options);
    expect(how).toEqual(['adopted', 'adopted', 'adopted']);
    expect(stderr).toMatch(/rank 0: rank 1 has not joined; continuing without it/);
  },
);

test('ranks that come one after another share, and are waited for no longer than a while', async () => {
  const folder = temporaryFolder();
  const reporter = [process.execPath, join(import.meta.dirname, 'fixtures/rank.mjs')];
  const job = wrapper('--dir', folder, 'local', '-n', '4', ...reporter);
  const { stdout, stderr } = await runJob(job, { env: { DELAYS: '0,0,6000,9000' } });
  const told = stdout.split('\n').filter((line) => line.startsWith('{'));
  const joins = told
    .map((line) => JSON.parse(line) as { rank: number; started: number; joined: number })
    .sort((a, b) => a.rank - b.rank);
  expect(stdout.match(/"how":"adopted"/g), stderr).toHaveLength(4);
  expect(stderr).toMatch(/rank 0: ranks 2 and 3 have not joined; continuing without them/);
  // The first two had their topology before the next had come.
  const third = joins[2]?.started ?? 0;
  for (const { joined } of joins.slice(0, 2)) expect(joined).toBeLessThan(third);
  expect(leftovers([folder])).toEqual([]);
});

/** Runs a job in which rank 1 asks for another topology than the others. @param words  Options of the wrapper. */
async function runWithOther(...words: string[]) {
  const folder = temporaryFolder();
  const reporter = [process.execPath, join(import.meta.dirname, 'fixtures/rank.mjs')];
  const other = ['sh', '-c', '[ $HWLOC_SHARE_RANK != 1 ] || export HWLOC_SYNTHETIC=pu:7; exec "$@"', 'sh'];
  const job = wrapper('--dir', folder, ...words, 'local', '-n', '3', ...other, ...reporter);
  const { stdout, stderr } = await runJob(job);
  const told = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { rank: number; outcome: { how: string }; tree: string })
    .sort((a, b) => a.rank - b.rank);
  expect(told[1]?.tree).not.toBe(told[0]?.tree);
  expect(told[2]?.tree).toBe(told[0]?.tree);
  expect(leftovers([folder])).toEqual([]);
  return { how: told.map(({ outcome }) => outcome.how), stderr };
}

test('a rank that asks for another topology than the leader gets that, and says so', async () => {
  const { how, stderr } = await runWithOther();
  expect(how).toEqual(['adopted', 'discovered', 'adopted']);
  expect(stderr).toMatch(
    /^hwloc-share: node \S+, rank 1: it asks for another topology than the leader does \(HWLOC_SYNTHETIC.*; discovered the machine on its own\n$/,
  );
});

test('a rank that asks for another topology does not load the XML of a leader that found no address', async () => {
  // Nothing can be mapped there.
  const { how } = await runWithOther('--hole', '0x1000');
  expect(how).toEqual(['discovered', 'discovered', 'xml']);
});

/** Runs a job of ranks that may have few files open each: all adopt and meet at a barrier, without a word. */
async function expectAllAdopt(ranks: number, members: readonly string[] = []): Promise<void> {
  const folder = temporaryFolder();
  const reporter = [process.execPath, join(import.meta.dirname, 'fixtures/rank.mjs')];
  const limited = ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh'];
  const command = wrapper('--dir', folder, 'local', '-n', String(ranks), ...limited, ...members, ...reporter);
  const { stdout, stderr } = await runJob(command, { timeoutMs: 110_000 });
  const told = stdout.split('\n').filter((line) => /\badopted\b/.test(line));
  expect(stderr).toBe('');
  expect(told).toHaveLength(ranks);
  expect(leftovers([folder])).toEqual([]);
}

test('ranks that may have few files open all adopt', { timeout: 120_000 }, () =>
  expectAllAdopt(Number(process.env.FAULTS_RANKS ?? 32)),
);

installed(...forC).describe('very many ranks', () => {
  let member: string;
  beforeAll(() => {
    member = compile(join(import.meta.dirname, '../../examples/c/rank.c'));
  }, 60_000);

  // The leader is one in Node. Its members are in C: they say the same to it and take 0.1 s of CPU time, most of it for
  // libhwloc's own start; in Node it is 0.4 s and 10 MB. (FAULTS_RANKS=256 has the test above do that.)
  test.each(process.env.FAULTS_SLOW === '1' ? [512] : [256])(
    '%d, each with few files: all adopt',
    { timeout: 120_000 },
    (ranks) =>
      expectAllAdopt(ranks, ['sh', '-c', '[ $HWLOC_SHARE_RANK = 0 ] || exec "$0"; exec "$@"', member]),
  );
});
