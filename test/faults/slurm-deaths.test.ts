// What Slurm does to a job, and what is done to Slurm's: a rank, srun or the wrapper is killed, or the step is cancelled. srun leaves the
// other ranks alone when one of them is killed; where it ends them itself, the job ends as it would without us. Nothing is left.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher } from '../launchers/available.js';
import { type Slurm, startSlurm } from '../launchers/slurm.js';
import { launcherCommands } from '../support/jobs.js';
import { type BrokenJob, type Fault, type Verdict, runBroken } from './bench.js';

const ranks = 3;
const killed = 137;

launcher('slurm').describe('under srun', () => {
  let slurm: Slurm;
  beforeAll(async () => {
    slurm = await startSlurm();
  });
  afterAll(() => slurm.stop());

  const run = (fault: Fault, job: Partial<BrokenJob> = {}): Promise<Verdict> =>
    runBroken({
      faults: [fault],
      ranks,
      launcher: launcherCommands.slurm,
      ...job,
      env: { ...job.env, ...slurm.env },
    });

  describe.concurrent.each([
    'member:announced',
    'member:released',
    'member:barrier',
    'leader:claimed',
    'leader:writing',
    'leader:barrier',
  ])('at %s', (point) => {
    const rank = point.startsWith('leader:') ? 0 : 1;

    test('a rank that is killed does not hold up the others', async () => {
      const { wrong, done, exitCode, stderr } = await run({ rank, point, act: 'kill' });
      expect(wrong, stderr).toEqual([]);
      expect(done).toHaveLength(1);
      expect(exitCode).toBe(killed);
    });

    test('a killed wrapper takes nobody with it', async () => {
      const { wrong, told, stderr } = await run({ rank, point, act: 'kill', to: 'wrapper' });
      expect(wrong, stderr).toEqual([]);
      expect(told.map(({ outcome }) => outcome.how)).toEqual(Array(ranks).fill('adopted'));
    });
  });

  describe.concurrent.each(['member:announced', 'leader:writing'])('at %s', (point) => {
    const rank = point.startsWith('leader:') ? 0 : 1;

    test.each(['kill', 'terminate'] as const)('srun is ended (%s): nothing is left', async (act) => {
      const { wrong, done } = await run({ rank, point, act, to: 'launcher' });
      expect(wrong.filter(({ kind }) => kind === 'hung' || kind === 'left')).toEqual([]);
      expect(done).toHaveLength(1);
    });

    test('a stopped srun goes unnoticed', async () => {
      const fault = { rank, point, act: 'stop', to: 'launcher' } as const;
      const { wrong, told, exitCode, stderr } = await run(fault, { afterwards: 'SIGCONT' });
      expect(wrong, stderr).toEqual([]);
      expect(told.map(({ outcome }) => outcome.how)).toEqual(Array(ranks).fill('adopted'));
      expect(exitCode).toBe(0);
    });

    test('the step is cancelled: the job ends as without us, and nothing is left', async () => {
      // Slurm takes a moment, in which the ranks would be through.
      const job = { env: { LINGER: '10000' } };
      const { wrong, done, exitCode, stderr } = await run({ rank, point, act: 'cancel' }, job);
      expect(wrong.filter(({ kind }) => kind === 'hung' || kind === 'left')).toEqual([]);
      expect(done).toHaveLength(1);
      expect(stderr).toMatch(/CANCELLED/);
      expect(exitCode).not.toBe(0);
    });

    test('a rank is killed, and srun was told to end the others then: nothing is left', async () => {
      const env = { ...slurm.env, SLURM_KILL_BAD_EXIT: '1' };
      const job = {
        faults: [{ rank, point, act: 'kill' }],
        ranks,
        launcher: launcherCommands.slurm,
        env,
      } as const;
      const { wrong, exitCode } = await runBroken(job);
      expect(wrong.filter(({ kind }) => kind === 'hung' || kind === 'left')).toEqual([]);
      // Of the rank that was killed, or of those that srun ends with SIGTERM.
      expect([137, 143]).toContain(exitCode);
    });
  });
});
