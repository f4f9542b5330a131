// Processes that are in the channel and not expected there: a second process with the number of a rank, and ranks of another step.
import { describe, expect, test } from 'vitest';
import { installed } from '../support/programs.js';
import { runSharedJob } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { type RankReport, buildRanks, programs, rankEnvironment } from './ranks.js';

/** Runs ranks that join at the same time, each with variables of its own. None leaves before all have joined. */
async function run(
  ranks: readonly { command: string; env: Record<string, string> }[],
  env: Record<string, string>,
) {
  const lines = ranks.map(({ command, env: own }, i) => {
    const variables = Object.entries({ ...own, TOGETHER_NAME: String(i) }).map(
      ([name, value]) => `${name}='${value}'`,
    );
    return `${variables.join(' ')} ${command} &`;
  });
  const count = String(ranks.length);
  const job = await runSharedJob(['sh', '-c', `${lines.join('\n')}\nwait`], {
    env: {
      ...rankEnvironment(),
      TOGETHER: temporaryFolder(),
      TOGETHER_COUNT: count,
      STAY_COUNT: count,
      ...env,
    },
  });
  return { ...job, reports: job.reports as RankReport[] };
}

const built = (rank: number) => ({
  HWLOC_SHARE_RANK: String(rank),
  HWLOC_SHARE_SIZE: '2',
  HWLOC_SHARE_LOCAL_RANK: String(rank),
  HWLOC_SHARE_LOCAL_SIZE: '2',
});

installed(...programs).describe('a process that is not expected', () => {
  buildRanks();

  describe.each([
    ['c', 'python'],
    ['python', 'c'],
    ['c', 'node'],
  ] as const)('in %s, of a job led by a rank in %s', (language, leader) => {
    const command = (name: string) => `$REPORT_${name}`;

    test('because it has the number of another rank, adopts and has no say', async () => {
      const ranks = [
        { command: command(leader), env: built(0) },
        { command: command(language), env: built(1) },
        { command: command(language), env: built(1) },
      ];
      const { reports, stderr } = await run(ranks, { BARRIER: '1' });
      expect(reports.map(({ rank, outcome }) => [rank, outcome.how])).toEqual([
        [0, 'adopted'],
        [1, 'adopted'],
        [1, 'adopted'],
      ]);
      expect(new Set(reports.map(({ outcome }) => outcome.address)).size).toBe(1);
      expect(stderr).toMatch(
        /^hwloc-share: .* rank 1: this process is not one of the leader's ranks; it passes its barriers without the others\n$/,
      );
    });

    test('because it is of another step, adopts and has no say', async () => {
      const step = (id: number, rank: number) => ({
        SLURM_PROCID: String(rank),
        SLURM_STEP_NUM_TASKS: '3',
        SLURM_LOCALID: String(rank),
        SLURM_NODEID: '0',
        SLURM_STEP_TASKS_PER_NODE: id === 0 ? '2' : '3',
        SLURM_JOB_ID: '7',
        SLURM_STEP_ID: String(id),
      });
      const ranks = [
        { command: command(leader), env: step(0, 0) },
        { command: command(leader === 'node' ? 'c' : leader), env: step(0, 1) },
        { command: command(language), env: step(1, 2) },
      ];
      const { reports, stderr } = await run(ranks, {
        HWLOC_SHARE_JOB: 'a-job',
        HWLOC_SHARE_LAUNCHER: 'slurm',
        BARRIER: '1',
      });
      expect(reports.map(({ rank, outcome }) => [rank, outcome.how])).toEqual([
        [0, 'adopted'],
        [1, 'adopted'],
        [2, 'adopted'],
      ]);
      expect(stderr).toMatch(
        /^hwloc-share: .* rank 2: this process is not one of the leader's ranks; it passes its barriers without the others\n$/,
      );
    });
  });
});
