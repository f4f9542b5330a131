// The main job under each launcher: one discovery, every rank adopts, XML identical, nothing left.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher } from '../launchers/available.js';
import { type Slurm, startSlurm } from '../launchers/slurm.js';
import { launcherCommands } from '../support/jobs.js';
import { expectAllAdopted, reporter, runSharedJob } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';

const ranks = 8;

describe('the built-in launcher', () => {
  test('all ranks adopt', async () => {
    const job = await runSharedJob(wrapper('local', '-n', String(ranks), ...reporter));
    expectAllAdopted(job.reports, ranks);
    expect(job.stderr).toBe('');
  });

  test('one rank alone adopts what it wrote', async () => {
    const job = await runSharedJob(wrapper('local', '-n', '1', ...reporter));
    expectAllAdopted(job.reports, 1);
  });

  test('its ranks know their places', async () => {
    const { reports } = await runSharedJob(wrapper('local', '-n', '3', ...reporter));
    expect(reports.map(({ rank, size, localRank, localSize }) => [rank, size, localRank, localSize])).toEqual(
      [
        [0, 3, 0, 3],
        [1, 3, 1, 3],
        [2, 3, 2, 3],
      ],
    );
  });
});

for (const name of ['openmpi', 'mpich'] as const) {
  launcher(name).describe(name, () => {
    const command = launcherCommands[name](ranks, reporter);

    test('all ranks adopt behind the wrapper', async () => {
      const job = await runSharedJob(wrapper(...command));
      expectAllAdopted(job.reports, ranks);
      expect(job.stderr).toBe('');
    });

    test('all ranks adopt without the wrapper', async () => {
      const job = await runSharedJob(command);
      expectAllAdopted(job.reports, ranks);
      expect(job.stderr).toBe('');
    });

    test('without the wrapper, and with a shell between launcher and rank', async () => {
      const program = ['sh', '-c', '"$@"; exit $?', 'sh', ...reporter];
      expectAllAdopted((await runSharedJob(launcherCommands[name](4, program))).reports, 4);
    });
  });
}

launcher('slurm').describe('slurm', () => {
  let slurm: Slurm;
  beforeAll(async () => {
    slurm = await startSlurm();
  });
  afterAll(() => slurm.stop());
  const command = launcherCommands.slurm(ranks, reporter);

  test('all ranks adopt behind the wrapper', async () => {
    const job = await runSharedJob(wrapper(...command), { env: slurm.env });
    expectAllAdopted(job.reports, ranks);
    expect(job.stderr).toBe('');
  });

  test('all ranks adopt without the wrapper', async () => {
    const job = await runSharedJob(command, { env: slurm.env });
    expectAllAdopted(job.reports, ranks);
    expect(job.stderr).toBe('');
  });

  test('two steps at once in one allocation share each for itself', async () => {
    const step = launcherCommands.slurm(3, reporter).join(' ');
    const script = `${step} & ${step} & wait`;
    const job = await runSharedJob(['salloc', '-Q', '-n', '8', '--oversubscribe', 'sh', '-c', script], {
      env: slurm.env,
    });
    expect(job.reports).toHaveLength(6);
    for (const { outcome } of job.reports) expect(outcome.how).toBe('adopted');
    expect(new Set(job.reports.map(({ outcome }) => outcome.address)).size).toBe(2);
  });
});

test('two jobs at once of one user never touch each other', async () => {
  const job = () => runSharedJob(wrapper('local', '-n', '4', ...reporter));
  for (const { reports } of await Promise.all([job(), job(), job()])) expectAllAdopted(reports, 4);
});

test('a job started by a rank of another job is a job of its own', async () => {
  const inner = wrapper('local', '-n', '2', ...reporter);
  const outer = wrapper('local', '-n', '1', process.execPath, '-e', runsInner, ...inner);
  expectAllAdopted((await runSharedJob(outer)).reports, 2);
});
const runsInner = `
  import('hwloc-share/rank').then(async ({ join }) => {
    await join();
    const { status } = require('node:child_process').spawnSync(process.argv[1], process.argv.slice(2), { stdio: 'inherit' });
    process.exit(status);
  })`;
