// Jobs whose ranks are not all alike: that join in other ways, at other times, or never.
import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { compile, forC, programs, pythonCommand, pythonEnvironment } from '../languages/ranks.js';
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

test('a rank that lives and never joins: the timeout, and its number', async () => {
  const { how, stderr } = await runMixed('never', { timeout: 1 });
  expect(how).toEqual(['adopted', 'never', 'adopted']);
  expect(stderr).toMatch(/rank 1 did not join within 1 s; going on without it \(HWLOC_SHARE_TIMEOUT\)/);
});

test('a rank that comes seconds after the others is waited for', async () => {
  expect((await runMixed('seconds')).how).toEqual(['adopted', 'adopted', 'adopted']);
});

test.for([{ by: 'the wrapper' }, { by: 'hand', bare: true }] as const)(
  'a rank that joins when all others have left does not wait for them, and leaves nothing (started by $by)',
  async ({ bare }) => {
    const options = { env: { MEETING: join(temporaryFolder(), 'pids') }, timeout: 1, ...(bare && { bare }) };
    const { told, stderr } = await runMixed('last', options);
    expect(told.map(({ how }) => how)).toEqual(['adopted', 'discovered', 'adopted']);
    expect(told[1]?.ms).toBeLessThan(1500);
    expect(stderr).toMatch(/rank 1: the leader has left the job; discovered the machine on its own/);
  },
);

/** A job of 4 that come one after another, 1.4 s apart, and wait for 2 s at most. */
async function runSlowStarters(limit: number | undefined) {
  const folder = temporaryFolder();
  const limited = limit === undefined ? [] : inTheLeader(`ulimit -n ${limit}`);
  const reporter = [process.execPath, join(import.meta.dirname, 'fixtures/rank.mjs')];
  const job = wrapper('--dir', folder, '--timeout', '2', 'local', '-n', '4', ...limited, ...reporter);
  const { stdout, stderr } = await runJob(job, { env: { DELAYS: '0,0,1400,2800' } });
  const told = stdout.split('\n').filter((line) => line.startsWith('{'));
  const joins = told.map((line) => JSON.parse(line) as { started: number; joined: number });
  expect(stdout.match(/"how":"adopted"/g), stderr).toHaveLength(4);
  // Nobody went on before the last had come.
  const last = Math.max(...joins.map(({ started }) => started));
  for (const { joined } of joins) expect(joined).toBeGreaterThanOrEqual(last);
  expect(leftovers([folder])).toEqual([]);
  return stderr;
}

/** Words that run a command after another one if it is of local rank 0. */
function inTheLeader(command: string): string[] {
  return ['sh', '-c', `[ $HWLOC_SHARE_RANK != 0 ] || ${command}; exec "$@"`, 'sh'];
}

test('ranks that keep coming are waited for, longer in all than the timeout', async () => {
  expect(await runSlowStarters(undefined)).toBe('');
});

test('a rank that the leader has no files for sees that it lives, longer than the timeout', async () => {
  // Of so few descriptors none are left for members.
  const lines = (await runSlowStarters(80)).trimEnd().split('\n');
  expect(lines).toHaveLength(4);
  const [first, ...others] = lines;
  expect(first).toMatch(
    /ranks 1, 2 and 3 take no part in barriers: too few files may be open here \(ulimit -n\)$/,
  );
  for (const line of others)
    expect(line).toMatch(/joined after the others had gone on; it passes its barriers/);
});

const crowded = /rank 0: ranks .* take no part in barriers: too few files may be open here \(ulimit -n\)/;

/** Runs a job whose leader may have so many files open: all adopt, and a line says what to raise. */
async function expectAllAdopt(ranks: number, limit: number, members: readonly string[] = []): Promise<void> {
  const folder = temporaryFolder();
  const reporter = [process.execPath, join(import.meta.dirname, 'fixtures/rank.mjs')];
  const program = [...members, ...inTheLeader(`ulimit -n ${limit}`), ...reporter];
  const command = wrapper('--dir', folder, 'local', '-n', String(ranks), ...program);
  const { stdout, stderr } = await runJob(command, { timeoutMs: 110_000 });
  const told = stdout.split('\n').filter((line) => /\badopted\b/.test(line));
  expect(told, stderr).toHaveLength(ranks);
  expect(stderr).toMatch(crowded);
  expect(leftovers([folder])).toEqual([]);
}

test(
  'more ranks than the leader may have files open for: all adopt, and a line says what to raise',
  { timeout: 120_000 },
  () => expectAllAdopt(Number(process.env.FAULTS_RANKS ?? 32), Number(process.env.FAULTS_FILES ?? 110)),
);

installed(...programs).describe('a rank in another language', () => {
  let commands: Record<string, string>;
  beforeAll(() => {
    const examples = join(import.meta.dirname, '../../examples');
    const python = `${pythonCommand()} ${join(examples, 'python/rank.py')}`;
    commands = { IN_C: compile(join(examples, 'c/rank.c')), IN_PYTHON: python, ...pythonEnvironment };
  }, 60_000);

  test.each(['C', 'PYTHON'])(
    'that its leader has no files for sees that it lives, longer than the timeout (%s)',
    async (language) => {
      const folder = temporaryFolder();
      // Rank 1 waits for rank 3 longer than the timeout, the leader only since rank 2 has come.
      const ranks = `case $HWLOC_SHARE_RANK in 0) ulimit -n 80;; 1) exec $IN_${language};; esac; exec "$@"`;
      const reporter = [process.execPath, join(import.meta.dirname, 'fixtures/rank.mjs')];
      const program = ['sh', '-c', ranks, 'sh', ...reporter];
      const job = wrapper('--dir', folder, '--timeout', '2', 'local', '-n', '4', ...program);
      const env = { ...commands, DELAYS: '0,0,1400,2800' };
      const { stdout, stderr } = await runJob(job, { env });
      expect(stdout.match(/\badopted\b/g), stderr).toHaveLength(4);
      expect(stderr).toMatch(/rank 0: ranks 1, 2 and 3 take no part in barriers/);
      expect(leftovers([folder])).toEqual([]);
    },
  );
});

installed(...forC).describe('very many ranks', () => {
  let member: string;
  beforeAll(() => {
    member = compile(join(import.meta.dirname, '../../examples/c/rank.c'));
  }, 60_000);

  // The leader is the real one. Its members are of the kind in C, which says the same to it and takes 0.1 s of CPU time, most of it for
  // libhwloc's own start: in Node it is 0.4 s and 10 MB. (FAULTS_RANKS=512 FAULTS_FILES=256 has the test above do that.)
  test.each(process.env.FAULTS_SLOW === '1' ? [[512, 256]] : [[144, 128]])(
    '%d, and %d files for their leader: all adopt',
    { timeout: 120_000 },
    (ranks, files) =>
      expectAllAdopt(ranks, files, ['sh', '-c', '[ $HWLOC_SHARE_RANK = 0 ] || exec "$0"; exec "$@"', member]),
  );
});
