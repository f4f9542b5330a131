// A rank, the wrapper or the launcher dies, ends or stops at each named point of a join: the others end the join with a correct
// topology within a second (where it is stopped: of the timeout), and nothing is left behind.
import { describe, expect, test } from 'vitest';
import { leaderPoints, memberPoints } from '../../src/rank/report/trace-points.js';
import { launcher } from '../launchers/available.js';
import { launcherCommands } from '../support/jobs.js';
import { type BrokenJob, type Verdict, runBroken } from './bench.js';

const points = [...memberPoints, ...leaderPoints];
const rankAt = (point: string) => (point.startsWith('leader:') ? 0 : 1);
/** A rank that is stopped counts as missing after so many seconds. */
const timeout = 1;

async function expectNothingWrong(job: BrokenJob): Promise<Verdict> {
  const verdict = await runBroken(job);
  expect(verdict.wrong, verdict.stderr).toEqual([]);
  expect(verdict.done).toHaveLength(job.faults.length);
  return verdict;
}

describe.concurrent.each(points)('at %s', (point) => {
  const rank = rankAt(point);

  test('a rank that is killed does not hold up the others', async () => {
    const { exitCode } = await expectNothingWrong({ faults: [{ rank, point, act: 'kill' }] });
    expect(exitCode).toBe(137);
  });

  test('a rank that exits does not hold up the others', async () => {
    const { exitCode } = await expectNothingWrong({ faults: [{ rank, point, act: 'exit' }] });
    expect(exitCode).toBe(0);
  });

  test('a rank that is stopped holds up the others for the timeout; when it goes on, it gets a topology', async () => {
    const job = { faults: [{ rank, point, act: 'stop' }], timeout, afterwards: 'SIGCONT' } as const;
    const { told, exitCode } = await expectNothingWrong(job);
    expect(told).toHaveLength(3);
    expect(exitCode).toBe(0);
  });

  test('a killed wrapper, which is the launcher, takes nobody with it', async () => {
    const { told } = await expectNothingWrong({ faults: [{ rank, point, act: 'kill', to: 'wrapper' }] });
    expect(told.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted', 'adopted']);
  });
});

describe.concurrent.each(['leader:loaded', 'leader:written', 'leader:planned', 'leader:agreed'])(
  'at %s',
  (point) => {
    test('a leader with data that is killed gives way to one with its own', async () => {
      const faults = [{ rank: 0, point, act: 'kill' }] as const;
      const { told } = await expectNothingWrong({ faults, env: { SHARE_BYTES: '3000000' } });
      expect(told.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted']);
      const [first, second] = told.map(({ data }) => data);
      expect(first).toEqual(second);
      expect([1, 2]).toContain(first?.[1]);
      expect(first).toEqual([3_000_000, first?.[1], first?.[1]]);
    });
  },
);

describe.concurrent.each([
  'member:announced',
  'leader:loaded',
  'leader:writing',
  'member:released',
  'leader:adopted',
])('at %s', (point) => {
  const rank = rankAt(point);

  test('a stopped wrapper goes unnoticed', async () => {
    const faults = [{ rank, point, act: 'stop', to: 'wrapper' }] as const;
    const { told, exitCode } = await expectNothingWrong({ faults, afterwards: 'SIGCONT' });
    expect(told.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted', 'adopted']);
    expect(exitCode).toBe(0);
  });

  test('a rank that is stopped and then killed leaves nothing', async () => {
    await expectNothingWrong({ faults: [{ rank, point, act: 'stop' }], timeout, afterwards: 'SIGKILL' });
  });

  test.each(['interrupt', 'terminate'] as const)(
    'a wrapper that is told to end (%s) leaves nothing',
    async (act) => {
      const { wrong } = await runBroken({ faults: [{ rank, point, act, to: 'wrapper' }] });
      expect(wrong.filter(({ kind }) => kind === 'left')).toEqual([]);
    },
  );

  for (const name of ['openmpi', 'mpich'] as const) {
    launcher(name).test(`a killed launcher (${name}) leaves nothing`, async () => {
      const faults = [{ rank, point, act: 'kill', to: 'launcher' }] as const;
      const { wrong } = await runBroken({ faults, launcher: launcherCommands[name] });
      // The launcher's daemons may end the ranks, or leave them to themselves; what ends by itself has ended.
      expect(wrong.filter(({ kind }) => kind === 'hung' || kind === 'left')).toEqual([]);
    });

    launcher(name).test(`a stopped launcher (${name}) goes unnoticed`, async () => {
      const faults = [{ rank, point, act: 'stop', to: 'launcher' }] as const;
      const job = { faults, launcher: launcherCommands[name], afterwards: 'SIGCONT' } as const;
      const { told, exitCode } = await expectNothingWrong(job);
      expect(told.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted', 'adopted']);
      expect(exitCode).toBe(0);
    });

    launcher(name).test(`a killed wrapper of ${name} takes nobody with it`, async () => {
      const faults = [{ rank, point, act: 'kill', to: 'wrapper' }] as const;
      const { told } = await expectNothingWrong({ faults, launcher: launcherCommands[name] });
      expect(told.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted', 'adopted']);
    });
  }
});
