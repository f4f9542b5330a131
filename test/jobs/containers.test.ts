// Ranks in containers of their own on one node: they share where they see each other's directory, and are nodes of their own where they
// do not. Containers are what the kernel makes of them: namespaces. Their pids mean nothing to each other; most ranks here have the same.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launcher } from '../launchers/available.js';
import { type Slurm, startSlurm } from '../launchers/slurm.js';
import { rootOnly } from '../support/programs.js';
import { type JobOptions, runJob, startJob } from '../support/job.js';
import { type LauncherName, launcherCommands, launcherNames } from '../support/jobs.js';
import { leftovers, processesLeft, processesWith } from '../support/leftovers.js';
import {
  type Report,
  expectAllAdopted,
  fixture,
  reporter,
  reportsIn,
  withoutMissing,
} from '../support/shared-job.js';
import { memoryFolder, temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

type Kind = 'shared' | 'named' | 'private' | 'paired' | 'members';

const inContainer = (kind: Kind, program: readonly string[] = reporter) => [
  'sh',
  fixture('in-container.sh'),
  kind,
  ...program,
];

/** Where the ranks look for each other is the real /dev/shm, or what a container has in its place: jobs are told apart by their names. */
async function runInContainers(command: readonly string[], options: JobOptions = {}) {
  const result = await runJob(command, options);
  expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  expect(await processesLeft(() => processesWith(result.marker))).toEqual([]);
  return { ...result, reports: reportsIn(result.stdout) };
}

/** What must be true where no rank sees another one's directory: each its own discovery, and nobody waits for the timeout of 30 s. */
function expectApart(reports: readonly Report[], groups: number): void {
  expect(reports.map(({ outcome }) => outcome.how)).toEqual(Array(reports.length).fill('adopted'));
  expect(reports.filter(({ outcome }) => outcome.didDiscover)).toHaveLength(groups);
  for (const { outcome } of reports) {
    expect(Object.values(outcome.phases).reduce((sum, ms) => sum + ms, 0)).toBeLessThan(20_000);
  }
}

rootOnly('mount', 'unshare', 'nsenter').describe('ranks in containers of their own', () => {
  let slurm: Slurm | undefined;
  const environment = (name: LauncherName) => (name === 'slurm' ? slurm?.env : undefined) ?? {};
  beforeAll(async () => {
    if (launcher('slurm').missing === undefined) slurm = await startSlurm();
  });
  afterAll(async () => slurm?.stop());

  for (const name of launcherNames) {
    launcher(name).describe(name, () => {
      const command = (ranks: number, kind: Kind) => launcherCommands[name](ranks, inContainer(kind));
      const run = (words: readonly string[], env: Record<string, string> = {}) =>
        runInContainers(words, { env: { ...environment(name), ...env } });

      test('that have the /dev/shm of the node share', async () => {
        const { reports, stderr } = await run(wrapper(...command(4, 'shared')));
        expectAllAdopted(reports, 4);
        expect(stderr).toBe('');
      });

      test('that have a /dev/shm of their own go on by themselves after a while', async () => {
        const { reports, stderr } = await run(wrapper(...command(3, 'private')));
        expectApart(reports, 3);
        expect(withoutMissing(stderr)).toBe('');
      });

      test('two in each, with a /dev/shm of its own: each two share', async () => {
        const { reports, stderr } = await run(wrapper(...command(4, 'paired')), { PAIRS: temporaryFolder() });
        expectApart(reports, 2);
        expect(reports[0]?.outcome.address).toBe(reports[1]?.outcome.address);
        expect(reports[2]?.outcome.address).toBe(reports[3]?.outcome.address);
        expect(withoutMissing(stderr)).toBe('');
      });
    });
  }

  launcher('slurm').describe('without the wrapper', () => {
    test('they share under srun, which names its jobs', async () => {
      const { reports } = await runInContainers(launcherCommands.slurm(3, inContainer('shared')), {
        env: environment('slurm'),
      });
      expectAllAdopted(reports, 3);
    });
  });

  launcher('mpich').describe('without the wrapper', () => {
    test('MPICH, which does not name its jobs, leaves each alone at once, and says why', async () => {
      const { reports, stderr } = await runInContainers(launcherCommands.mpich(3, inContainer('shared')));
      for (const { outcome } of reports) {
        expect(outcome.how).toBe('discovered');
        expect(outcome.reason).toMatch(/mpich does not name its jobs.*hwloc-share in front of the launcher/);
      }
      expect(stderr).toBe('');
    });

    test('with --strict, that is an error', async () => {
      const job = await runJob(launcherCommands.mpich(2, inContainer('shared')), {
        env: { HWLOC_SHARE_STRICT: '1' },
      });
      expect(job.exitCode).not.toBe(0);
      expect(job.stderr).toMatch(/NotSharedError: .*mpich does not name its jobs/);
    });
  });

  launcher('openmpi').describe('started at different times', () => {
    const run = (ranks: number, kind: Kind, env: Record<string, string> = {}) =>
      runInContainers(wrapper(...launcherCommands.openmpi(ranks, inContainer(kind))), { env });

    test.concurrent('a member that comes seconds later adopts what the others have', async () => {
      const { reports, stderr } = await run(3, 'shared', { START: '2:4', STAY: '6000', BARRIER: 'no' });
      expectAllAdopted(reports, 3);
      expect(withoutMissing(stderr)).toBe('');
    });

    test.concurrent(
      'local rank 0 that comes seconds later adopts what another one has discovered',
      async () => {
        const { reports } = await run(3, 'shared', { START: '0:4', STAY: '6000', BARRIER: 'no' });
        expectAllAdopted(reports, 3);
        expect(reports[0]?.outcome.didDiscover).toBe(false);
      },
    );

    test.concurrent(
      'with hostnames of their own share: the launcher tells which node they are on',
      async () => {
        const { reports } = await run(3, 'named');
        expectAllAdopted(reports, 3);
        expect(new Set(reports.map(({ node }) => node)).size).toBe(1);
      },
    );

    test.concurrent(
      'a leader in no container, which sees the processes of all, does not wait for those it cannot reach',
      async () => {
        const { reports } = await run(3, 'members');
        expectApart(reports, 3);
      },
    );
  });

  launcher('openmpi').describe('killed', () => {
    test('what they leave in the /dev/shm of the node is removed by the next job', async () => {
      const folder = memoryFolder();
      const stays = launcherCommands.openmpi(2, inContainer('shared'));
      const job = startJob(stays, { env: { HWLOC_SHARE_DIR: folder, START: '1:3', STAY: '60000' } });
      // The first has gone on by itself: a plan is there for the second, and both stay.
      await job.printed(/"rank":0[^]*"rank":1/, 20_000);
      expect(leftovers([folder])).toHaveLength(1);
      for (const pid of processesWith(job.marker)) process.kill(pid, 'SIGKILL');
      await job.result;
      expect(await processesLeft(() => processesWith(job.marker))).toEqual([]);
      expect(leftovers([folder])).toHaveLength(1);
      await runJob(wrapper('--dir', folder, 'true'));
      expect(leftovers([folder])).toEqual([]);
    });

    test('and is not removed while they live', async () => {
      const folder = memoryFolder();
      const stays = launcherCommands.openmpi(2, inContainer('shared'));
      const job = startJob(stays, { env: { HWLOC_SHARE_DIR: folder, START: '1:3', STAY: '60000' } });
      await job.printed(/"rank":1/, 20_000);
      await runJob(wrapper('--dir', folder, 'true'));
      expect(readdirSync(join(folder, `hwloc-share-${process.getuid?.() ?? 0}`))).toHaveLength(1);
      for (const pid of processesWith(job.marker)) process.kill(pid, 'SIGKILL');
      await job.result;
    });
  });
});
