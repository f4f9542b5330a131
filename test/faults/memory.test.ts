// Trouble in the memory map: ranges taken between every pair of steps, no room at all, and processes whose maps are unusual.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { leaderPoints, memberPoints } from '../../src/rank/points.js';
import { findCommand } from '../support/commands.js';
import { wrapper } from '../support/wrapper.js';
import { runJob } from '../support/job.js';
import { reportsIn } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { runBroken } from './bench.js';

const asan = ['/usr/lib/x86_64-linux-gnu/libasan.so.8', '/usr/lib/aarch64-linux-gnu/libasan.so.8'].find(
  existsSync,
);
const rank = join(import.meta.dirname, 'fixtures/rank.mjs');

describe.concurrent('a rank that takes all of the window in which plans are made', () => {
  test.each([...memberPoints, ...leaderPoints])('at %s', async (point) => {
    const job = { faults: [{ rank: point.startsWith('leader:') ? 0 : 1, point, act: 'take' }] } as const;
    const { wrong, stderr, told, exitCode } = await runBroken(job);
    expect(wrong, stderr).toEqual([]);
    expect(exitCode).toBe(0);
    expect(told.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted', 'adopted']);
  });
});

test.each(['member:pipes', 'member:met', 'member:released'])(
  'a rank that has no room left in its address space at %s, of which Node itself may die, does not harm the others',
  async (point) => {
    const { told } = await runBroken({ faults: [{ rank: 1, point, act: 'starve' }] });
    const others = told.filter((one) => one.rank !== 1);
    expect(others.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted']);
  },
);

test('ulimit -v: as much as Node needs is enough', async () => {
  const limited = ['sh', '-c', 'ulimit -v 4000000; exec "$@"', 'sh', process.execPath, rank];
  const { stdout, stderr } = await runJob(
    wrapper('--dir', temporaryFolder(), 'local', '-n', '3', ...limited),
  );
  expect(stderr).toBe('');
  expect(reportsIn(stdout).map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted', 'adopted']);
});

test.runIf(asan !== undefined)(
  'a rank with the AddressSanitizer, whose shadow takes 16 TiB, adopts',
  async () => {
    const sanitized = `[ $HWLOC_SHARE_RANK != 1 ] || export LD_PRELOAD=${asan ?? ''} ASAN_OPTIONS=detect_leaks=0; exec "$@"`;
    const program = ['sh', '-c', sanitized, 'sh', process.execPath, rank];
    const { stdout, stderr } = await runJob(
      wrapper('--dir', temporaryFolder(), 'local', '-n', '3', ...program),
    );
    expect(
      reportsIn(stdout).map(({ outcome }) => outcome.how),
      stderr,
    ).toEqual(['adopted', 'adopted', 'adopted']);
  },
);

const valgrind = findCommand('valgrind');

test.runIf(valgrind !== undefined && process.env.FAULTS_SLOW === '1')(
  'a rank under valgrind gets a topology like the others',
  { timeout: 300_000 },
  async () => {
    const checked = `[ $HWLOC_SHARE_RANK != 1 ] || set -- ${valgrind ?? ''} -q --tool=none --smc-check=all-non-file "$@"; exec "$@"`;
    const program = ['sh', '-c', checked, 'sh', process.execPath, rank];
    const { stdout, stderr } = await runJob(
      wrapper('--dir', temporaryFolder(), '--timeout', '200', 'local', '-n', '3', ...program),
      { timeoutMs: 280_000 },
    );
    const told = reportsIn(stdout);
    expect(told, stderr).toHaveLength(3);
    expect(new Set(told.map(({ tree }) => tree)).size).toBe(1);
  },
);
