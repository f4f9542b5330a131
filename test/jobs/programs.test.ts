// Jobs of which only some ranks are Node programs: the others never come, and nobody waits for them for the timeout (30 s).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher } from '../launchers/available.js';
import { needsTwoPrograms } from '../launchers/mpi.js';
import { type Slurm, startSlurm } from '../launchers/slurm.js';
import { runJob } from '../support/job.js';
import { type Report, expectAllAdopted, fixture, reporter, runSharedJob } from '../support/shared-job.js';
import { memoryFolder, temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

const part = (ranks: number, ...program: string[]) => ['-n', String(ranks), ...program];
const mpirun = {
  openmpi: ['mpirun.openmpi', '--allow-run-as-root', '--oversubscribe'],
  mpich: ['mpirun.mpich'],
} as const;

/** A program that never joins, and stays until the others have. */
const other = ['sh', fixture('stays.sh')];

/** The longest that a rank took to join, in milliseconds. */
function longest(reports: readonly Report[]): number {
  const totals = reports.map(({ outcome }) => Object.values(outcome.phases).reduce((sum, ms) => sum + ms, 0));
  return Math.max(...totals);
}

/** What must be true of the ranks that came: one discovery, one topology, and not the timeout. */
function expectSharedBy(reports: readonly Report[], ranks: readonly number[]): void {
  expect(reports.map(({ rank }) => rank)).toEqual(ranks);
  expect(reports.map(({ outcome }) => outcome.how)).toEqual(ranks.map(() => 'adopted'));
  expect(reports.filter(({ outcome }) => outcome.didDiscover)).toHaveLength(1);
  expect(new Set(reports.map(({ outcome }) => outcome.address)).size).toBe(1);
  expect(longest(reports)).toBeLessThan(20_000);
}

for (const name of ['openmpi', 'mpich'] as const) {
  launcher(name).describe(name, () => {
    const run = (...words: string[]) => runSharedJob(wrapper(...mpirun[name], ...words));

    test.concurrent('the members are other programs, which stay', async (context) => {
      await needsTwoPrograms(name, context);
      const { reports, stderr } = await run(...part(2, ...reporter), ':', ...part(2, ...other));
      expectSharedBy(reports, [0, 1]);
      expect(stderr).toMatch(/^hwloc-share: node \S+, rank 0: ranks 2 and 3 have not joined; .*\n$/);
    });

    test.concurrent(
      'rank 0 is another program, which stays: another rank stands in for it',
      async (context) => {
        await needsTwoPrograms(name, context);
        const { reports, stderr } = await run(...part(1, ...other), ':', ...part(3, ...reporter));
        expectSharedBy(reports, [1, 2, 3]);
        expect(stderr).toMatch(/^hwloc-share: node \S+, rank \d: rank 0 has not joined; .*\n$/);
      },
    );

    test.concurrent('the others end at once', async (context) => {
      await needsTwoPrograms(name, context);
      const { reports, stderr } = await run(...part(2, ...reporter), ':', ...part(2, 'true'));
      expectSharedBy(reports, [0, 1]);
      expect(stderr).toMatch(/^hwloc-share: node \S+, rank 0: ranks 2 and 3 have not joined; .*\n$/);
    });

    test.concurrent('two Node programs share', async (context) => {
      await needsTwoPrograms(name, context);
      const { reports } = await run(...part(2, ...reporter), ':', ...part(2, ...reporter, 'other'));
      expectAllAdopted(reports, 4);
    });
  });
}

launcher('openmpi').describe('a rank that starts Node seconds later', () => {
  test.concurrent('adopts what the others have adopted', async (context) => {
    await needsTwoPrograms('openmpi', context);
    const folder = temporaryFolder();
    const file = join(folder, 'later.sh');
    writeFileSync(file, `sleep 4\nexec ${reporter.join(' ')}\n`);
    const words = [...part(2, ...reporter), ':', ...part(1, 'sh', file)];
    const { reports } = await runSharedJob(wrapper(...mpirun.openmpi, ...words), {
      env: { STAY: '6000', BARRIER: 'no' },
    });
    expectAllAdopted(reports, 3);
  });

  test.concurrent('as all do, is waited for as long as the others took themselves', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'script.sh');
    // Rank 0 comes after 3 s, the others after 5 s: within twice of that.
    writeFileSync(file, `sleep 3; [ $OMPI_COMM_WORLD_RANK = 0 ] || sleep 2\nexec ${reporter.join(' ')}\n`);
    const { reports, stderr } = await runSharedJob(wrapper(...mpirun.openmpi, ...part(3, 'sh', file)));
    expectAllAdopted(reports, 3);
    expect(stderr).toBe('');
  });
});

launcher('slurm').describe('slurm', () => {
  let slurm: Slurm;
  let folder: string;
  beforeAll(async () => {
    slurm = await startSlurm();
    folder = memoryFolder();
  });
  afterAll(() => slurm.stop());
  const rank = reporter.join(' ');
  const srun = (programs: string) => {
    const file = join(folder, `programs-${programs.length}`);
    writeFileSync(file, programs);
    return runSharedJob(wrapper('srun', '--oversubscribe', '-n', '4', '--multi-prog', file), {
      env: slurm.env,
    });
  };

  test('--multi-prog with another program among them', async () => {
    expectSharedBy((await srun(`0-1 ${rank}\n2-3 ${other.join(' ')}\n`)).reports, [0, 1]);
  });

  test('--multi-prog with another program as rank 0', async () => {
    expectSharedBy((await srun(`0 ${other.join(' ')}\n1-3 ${rank} a\n`)).reports, [1, 2, 3]);
  });
});

describe('the wrapper in front of', () => {
  test('a script that runs several launchers, one after another and at once', async () => {
    const step = wrapper('local', '-n', '2', ...reporter).join(' ');
    const { reports } = await runSharedJob(wrapper('sh', '-c', `${step}; ${step} & ${step} & wait`));
    expect(reports.map(({ outcome }) => outcome.how)).toEqual(Array(6).fill('adopted'));
    // The topology is kept for later steps, as soon as the wrapper is ready to keep it.
    expect(reports.filter(({ outcome }) => outcome.didDiscover).length).toBeLessThanOrEqual(3);
    expect(reports.filter(({ outcome }) => outcome.didDiscover).length).toBeGreaterThanOrEqual(1);
  });

  launcher('mpich').describe('a script', () => {
    test('that runs two jobs of MPICH at once, which does not name them', async () => {
      const step = [...mpirun.mpich, '-n', '3', ...reporter].join(' ');
      const { reports } = await runSharedJob(wrapper('sh', '-c', `${step} & ${step} & wait`));
      expect(reports.map(({ outcome }) => outcome.how)).toEqual(Array(6).fill('adopted'));
      expect(reports.filter(({ outcome }) => outcome.didDiscover).length).toBeLessThanOrEqual(2);
      expect(reports.filter(({ outcome }) => outcome.didDiscover).length).toBeGreaterThanOrEqual(1);
    });
  });

  test('a program that is no job', async () => {
    const { stdout, stderr } = await runJob(wrapper(process.execPath, fixture('auto.mjs')));
    expect(stdout).not.toBe('');
    expect(stderr).toBe('');
  });
});
