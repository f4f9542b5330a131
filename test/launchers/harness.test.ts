// The test set-up itself, with the real launchers and nothing of the product.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runJob, startJob } from '../support/job.js';
import { launcherCommands } from '../support/jobs.js';
import { processesLeft, processesWith } from '../support/leftovers.js';
import { processesHolding } from '../support/processes.js';
import { launcher } from './available.js';
import { type Slurm, startSlurm } from './slurm.js';

const identity = [process.execPath, join(import.meta.dirname, '..', 'support', 'fixtures', 'identity.mjs')];
const zeroToSeven = [0, 1, 2, 3, 4, 5, 6, 7];

/** What each rank printed: one line each, which ends in CR LF where the launcher gives its ranks a terminal. */
function ranksOf(stdout: string): Record<string, string>[] {
  const lines = stdout.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, string>);
}

/** One variable of all ranks as numbers, in ascending order. */
function numbers(ranks: Record<string, string>[], name: string): number[] {
  return ranks.map((rank) => Number(rank[name])).sort((a, b) => a - b);
}

launcher('openmpi').describe('mpirun.openmpi', () => {
  test('starts 8 ranks, numbered 0 to 7, and leaves no process', async () => {
    const job = await runJob(launcherCommands.openmpi(8, identity));
    const ranks = ranksOf(job.stdout);
    expect(job.exitCode).toBe(0);
    expect(numbers(ranks, 'OMPI_COMM_WORLD_RANK')).toEqual(zeroToSeven);
    expect(numbers(ranks, 'OMPI_COMM_WORLD_LOCAL_SIZE')).toEqual(Array(8).fill(8));
    expect(await processesLeft(() => processesWith(job.marker))).toEqual([]);
  });
});

launcher('mpich').describe('mpirun.mpich', () => {
  test('starts 8 ranks, numbered 0 to 7, and leaves no process', async () => {
    const job = await runJob(launcherCommands.mpich(8, identity));
    const ranks = ranksOf(job.stdout);
    expect(job.exitCode).toBe(0);
    expect(numbers(ranks, 'PMI_RANK')).toEqual(zeroToSeven);
    expect(numbers(ranks, 'MPI_LOCALNRANKS')).toEqual(Array(8).fill(8));
    expect(await processesLeft(() => processesWith(job.marker))).toEqual([]);
  });
});

launcher('slurm').describe('srun', () => {
  let slurm: Slurm;

  beforeAll(async () => {
    slurm = await startSlurm();
  });

  afterAll(async () => {
    await slurm.stop();
  });

  test('starts 8 ranks, numbered 0 to 7, and leaves no process', async () => {
    const job = await runJob(launcherCommands.slurm(8, identity), { env: slurm.env });
    const ranks = ranksOf(job.stdout);
    expect(job.exitCode).toBe(0);
    expect(numbers(ranks, 'SLURM_PROCID')).toEqual(zeroToSeven);
    expect(numbers(ranks, 'SLURM_NTASKS')).toEqual(Array(8).fill(8));
    expect(await processesLeft(() => processesWith(job.marker))).toEqual([]);
  });

  test('two Slurms run side by side, and stopping one leaves the other alone', async () => {
    const other = await startSlurm();
    const before = await runJob(launcherCommands.slurm(2, identity), { env: other.env });
    await other.stop();
    const after = await runJob(launcherCommands.slurm(2, identity), { env: slurm.env });
    expect([before.exitCode, after.exitCode]).toEqual([0, 0]);
  });

  test('stop() leaves no process and no folder, even with a job running', async () => {
    const other = await startSlurm();
    const waiting = [process.execPath, '-e', 'console.log("rank runs"); setInterval(() => {}, 1000)'];
    const job = startJob(launcherCommands.slurm(2, waiting), { env: other.env });
    await job.printed(/rank runs[^]*rank runs/);
    expect(processesHolding(other.folder).length).toBeGreaterThan(3);

    await other.stop();
    expect(processesWith(job.marker)).toEqual([]);
    expect(processesHolding(other.folder)).toEqual([]);
    expect(existsSync(other.folder)).toBe(false);
    await job.result;
  });
});
