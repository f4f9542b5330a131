// Trouble in the memory map: ranges taken between every pair of steps, no room at all, and processes whose maps are unusual.
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterEach, describe, expect, test } from 'vitest';
import { leaderPoints, memberPoints } from '../../src/rank/report/trace-points.js';
import { machineFile } from '../support/machine-file.js';
import { installed } from '../support/programs.js';
import { wrapper } from '../support/wrapper.js';
import { runJob, startJob } from '../support/job.js';
import { processesWith, sendSignal } from '../support/processes.js';
import { reportsIn } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { largeMachine, runBroken } from './bench.js';

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

test.each(['member:announced', 'member:released'])(
  'a rank that has no room left in its address space at %s, of which Node itself may die, does not harm the others',
  async (point) => {
    const { told } = await runBroken({ faults: [{ rank: 1, point, act: 'starve' }] });
    const others = told.filter((one) => one.rank !== 1);
    expect(others.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted']);
  },
);

test("a rank that is refused its reservation has the leader's XML, and the others share", async () => {
  const { wrong, told, stderr } = await runBroken({
    faults: [{ rank: 1, point: 'member:planned', act: 'refuse' }],
    env: largeMachine,
  });
  expect(wrong, stderr).toEqual([]);
  expect(told.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'xml', 'adopted']);
  expect(told[1]?.outcome.reason).toMatch(/ENOMEM/);
});

test('ulimit -v: as much as Node needs is enough', async () => {
  const limited = ['sh', '-c', 'ulimit -v 4000000; exec "$@"', 'sh', process.execPath, rank];
  const { stdout, stderr } = await runJob(
    wrapper('--dir', temporaryFolder(), 'local', '-n', '3', ...limited),
  );
  expect(stderr).toBe('');
  expect(reportsIn(stdout).map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted', 'adopted']);
});

installed('cc').test('a rank with the AddressSanitizer, whose shadow takes 16 TiB, adopts', async () => {
  const found = await execa('cc', ['-print-file-name=libasan.so']);
  const asan = realpathSync(found.stdout);
  const sanitized = `[ $HWLOC_SHARE_RANK != 1 ] || export LD_PRELOAD=${asan} ASAN_OPTIONS=detect_leaks=0; exec "$@"`;
  const program = ['sh', '-c', sanitized, 'sh', process.execPath, rank];
  const { stdout, stderr } = await runJob(
    wrapper('--dir', temporaryFolder(), 'local', '-n', '3', ...program),
  );
  expect(
    reportsIn(stdout).map(({ outcome }) => outcome.how),
    stderr,
  ).toEqual(['adopted', 'adopted', 'adopted']);
});

describe.runIf(process.env.FAULTS_SLOW === '1')('what takes minutes', () => {
  installed('valgrind').test(
    'a rank under valgrind gets a topology like the others',
    { timeout: 300_000 },
    async () => {
      const checked = `[ $HWLOC_SHARE_RANK != 1 ] || set -- valgrind -q --tool=none --smc-check=all-non-file "$@"; exec "$@"`;
      const program = ['sh', '-c', checked, 'sh', process.execPath, rank];
      const { stdout, stderr } = await runJob(
        wrapper('--dir', temporaryFolder(), '--timeout', '200', 'local', '-n', '3', ...program),
        { timeoutMs: 280_000, env: await machineFile() },
      );
      const told = reportsIn(stdout);
      expect(told, stderr).toHaveLength(3);
      expect(new Set(told.map(({ tree }) => tree)).size).toBe(1);
    },
  );
});

/** What is set in /proc/sys/vm of how much memory the kernel promises. */
function overcommit(): string[] {
  return ['memory', 'ratio', 'kbytes'].map((name) =>
    readFileSync(`/proc/sys/vm/overcommit_${name}`, 'utf8').trim(),
  );
}

// It is set for the whole machine, if only for seconds.
describe.runIf(process.getuid?.() === 0 && process.env.FAULTS_SYSCTL === '1')(
  'where the kernel promises no more memory than there is (vm.overcommit_memory=2)',
  () => {
    const strict = (...command: string[]) => [
      'sh',
      join(import.meta.dirname, 'fixtures/overcommit.sh'),
      ...command,
    ];
    const before = overcommit();
    afterEach(() => {
      expect(overcommit()).toEqual(before);
    });

    test('a reservation takes none of it, however long it is; what might be written to would', async () => {
      const fixture = join(import.meta.dirname, 'fixtures/overcommit.mjs');
      const plain = await runJob([process.execPath, fixture]);
      expect(plain.stdout, plain.stderr).toBe('reserved, mapped\n');
      const { stdout, stderr } = await runJob(strict(process.execPath, fixture));
      expect(stdout, stderr).toBe('reserved, refused\n');
    });

    test('all ranks adopt', async () => {
      const job = wrapper('--dir', temporaryFolder(), 'local', '-n', '8', process.execPath, rank);
      const { stdout, stderr, exitCode } = await runJob(strict(...job));
      expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
      expect(reportsIn(stdout).map(({ outcome }) => outcome.how)).toEqual(Array(8).fill('adopted'));
    });

    test('a run that is killed leaves the machine as it was', async () => {
      const job = startJob(strict('sh', '-c', 'echo started; sleep 60'));
      await job.printed(/started/);
      expect(overcommit()[0]).toBe('2');
      for (const pid of processesWith(job.marker)) sendSignal(pid, 'SIGKILL');
      await job.result;
      for (let looks = 0; looks < 500 && overcommit()[0] === '2'; looks++) await sleep(10);
    });
  },
);
