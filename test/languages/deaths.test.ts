// A rank in C or Python that is killed, at moments of its join that matter to others; and ranks in other languages that go on.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher } from '../launchers/available.js';
import { installed } from '../support/programs.js';
import { type Slurm, startSlurm } from '../launchers/slurm.js';
import { launcherCommands } from '../support/jobs.js';
import { wrapper } from '../support/wrapper.js';
import { buildRanks, type Language, mix, programs, type RankReport, runMixed } from './ranks.js';

/** As it enters this system call for the Nth time: what a member is about to do then. */
const moments = [
  { moment: 'is about to say hello', call: 'write 1' },
  { moment: 'has a plan', call: 'write 2' },
  { moment: 'has adopted', call: 'write 3' },
];

const leaderMoments = [
  { moment: 'before its first round', call: 'symlinkat 1' },
  { moment: 'before it has planned', call: 'symlinkat 2' },
  { moment: 'before it has allocated', call: 'fallocate 1' },
  { moment: 'while it writes', call: 'ftruncate 1' },
  { moment: 'before the release', call: 'symlinkat 3' },
];

const local = (...languages: Language[]) =>
  wrapper('local', '-n', String(languages.length), ...mix(languages));

/** Survivors share one topology, and one of them has discovered it, unless the rank that died had. */
function expectToShare(reports: readonly RankReport[], ranks: number[], discoveries: number): void {
  expect(reports.map(({ rank, outcome }) => [rank, outcome.how])).toEqual(
    ranks.map((rank) => [rank, 'adopted']),
  );
  expect(new Set(reports.map(({ outcome }) => outcome.address)).size).toBe(1);
  expect(reports.filter(({ outcome }) => outcome.didDiscover)).toHaveLength(discoveries);
}

/** Ranks that have died are spoken of in one line at most. */
const oneLine = /^(hwloc-share: node \S+, rank \d: ranks? \S+ .*\n)?$/;

installed(...programs, 'strace').describe('a rank that is', () => {
  buildRanks();

  // Most of the time they wait.
  describe.concurrent.each(['c', 'python'] as const)('killed, in %s', (language) => {
    const other: Language = language === 'c' ? 'python' : 'c';

    test.each(['node', other] as const)(
      'as a member of a leader in %s is not waited for',
      async (leader) => {
        for (const { moment, call } of moments) {
          const { reports, stderr } = await runMixed(local(leader, language, other), {
            // mix.sh lets it come when the channel is there, so that it does not lead.
            env: { KILLED: `1 ${call}`, BARRIER: '1' },
            status: 137,
          });
          expect(reports.length, moment).toBe(2);
          expectToShare(reports, [0, 2], 1);
          expect(stderr, moment).toMatch(oneLine);
        }
      },
      60_000,
    );

    test.each(['node', other] as const)(
      'at a barrier of a leader in %s is not waited for',
      async (leader) => {
        const { reports, stderr } = await runMixed(local(leader, language, other), {
          env: { DIES: '1:0', BARRIER: '1' },
          status: 137,
        });
        expectToShare(reports, [0, 2], 1);
        expect(stderr).toBe('');
      },
    );

    test.each(leaderMoments)(
      'as the leader, $moment: the others share',
      async ({ call }) => {
        const { reports, stderr } = await runMixed(local(language, other, 'node', language), {
          env: { KILLED: `0 ${call}`, BARRIER: '1' },
          status: 137,
        });
        expectToShare(reports, [1, 2, 3], 1);
        expect(stderr).toMatch(oneLine);
      },
      60_000,
    );

    test('as the leader after the join: the others meet at their barriers', async () => {
      const { reports, stderr } = await runMixed(local(language, other, 'node', language), {
        env: { DIES: '0:0', BARRIER: '1' },
        status: 137,
      });
      expectToShare(reports, [1, 2, 3], 0);
      expect(stderr).toBe('');
    });
  });

  // The timeout is what a rank waits for one that lives, but does nothing.
  describe.concurrent.each(['c', 'python'] as const)('stopped, in %s', (language) => {
    const other: Language = language === 'c' ? 'python' : 'c';
    const env = { HWLOC_SHARE_TIMEOUT: '2', STAY_COUNT: '2' };

    test.each(['node', other] as const)(
      'as a member of a leader in %s: the others share without it',
      async (leader) => {
        for (const [i, { moment, call }] of moments.slice(0, 2).entries()) {
          const { reports } = await runMixed(local(leader, language, other), {
            env: { ...env, STOPPED: `1 ${call}` },
          });
          expect(
            reports.map(({ rank }) => rank),
            moment,
          ).toEqual([0, 1, 2]);
          // It stops when the call is made. One that has answered before is not waited for, and adopts when it goes on.
          const sharing = i === 0 ? [0, 2] : [0, 1, 2];
          expectToShare(
            reports.filter(({ rank }) => sharing.includes(rank)),
            sharing,
            1,
          );
        }
      },
      60_000,
    );

    test.each(leaderMoments)(
      'as the leader, $moment: the others do without it',
      async ({ call }) => {
        const { reports, stderr } = await runMixed(local(language, other, 'node'), {
          env: { ...env, STOPPED: `0 ${call}` },
        });
        expect(reports.map(({ rank, outcome }) => [rank, outcome.how])).toEqual([
          [0, 'adopted'],
          [1, 'discovered'],
          [2, 'discovered'],
        ]);
        expect(stderr).toMatch(/^(hwloc-share: node \S+, rank \d: .*\n){2,4}$/);
      },
      60_000,
    );
  });

  launcher('slurm').describe('killed under srun, where nobody else tidies up', () => {
    let slurm: Slurm;
    beforeAll(async () => {
      slurm = await startSlurm();
    });
    afterAll(() => slurm.stop());

    test.each([
      ['c', 'python', 'c'],
      ['python', 'c', 'c'],
    ] as const)('as the leader in %s: members in %s and %s leave nothing', async (...languages) => {
      const { reports } = await runMixed(launcherCommands.slurm(3, mix(languages)), {
        env: { ...slurm.env, KILLED: '0 ftruncate 1' },
        status: 137,
      });
      expectToShare(reports, [1, 2], 1);
    });
  });
});
