// A rank in C or Python that is killed, at moments of its join that matter to others; and those of other languages that go on.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher } from '../launchers/available.js';
import { installed } from '../support/programs.js';
import { type Slurm, startSlurm } from '../launchers/slurm.js';
import { launcherCommands } from '../support/jobs.js';
import { wrapper } from '../support/wrapper.js';
import { buildRanks, type Language, mix, programs, runMixed } from './ranks.js';

/** As it enters this system call for the Nth time: what it is about to do then, and what the leader says of it. */
const moments = [
  { moment: 'has made one of its pipes', call: 'mknodat 2', said: true },
  { moment: 'is about to announce itself', call: 'write 2', said: true },
  { moment: 'has a plan', call: 'write 3', said: false },
  { moment: 'has adopted', call: 'write 4', said: false },
];

const local = (...languages: Language[]) =>
  wrapper('local', '-n', String(languages.length), ...mix(languages));

installed(...programs, 'strace').describe('a rank that is killed', () => {
  buildRanks();

  // Most of the time they wait.
  describe.concurrent.each(['c', 'python'] as const)('in %s', (language) => {
    const other: Language = language === 'c' ? 'python' : 'c';

    test.each(['node', other] as const)(
      'as a member of a leader in %s is not waited for',
      async (leader) => {
        for (const { moment, call, said } of leader === 'node' ? moments.slice(1, 3) : moments) {
          const { reports, stderr } = await runMixed(local(leader, language, other), {
            // mix.sh lets it come when the channel is there: its own pipes are the first that it makes.
            env: { KILLED: `1 ${call}`, BARRIER: '1' },
            status: 137,
          });
          expect(
            reports.map(({ rank, outcome }) => [rank, outcome.how]),
            moment,
          ).toEqual([
            [0, 'adopted'],
            [2, 'adopted'],
          ]);
          if (said)
            expect(stderr, moment).toMatch(
              /^hwloc-share: node \S+, rank 0: rank 1 ended, or gave up, before joining; going on without it\n$/,
            );
          else expect(stderr, moment).toBe('');
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
        expect(reports.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted']);
        expect(stderr).toBe('');
      },
    );

    test.each([
      ['before it has planned', 'fallocate 1'],
      ['while it writes', 'ftruncate 1'],
    ])('as the leader, %s: the others discover for themselves', async (_, call) => {
      const { reports, stderr } = await runMixed(local(language, other, 'node', language), {
        env: { KILLED: `0 ${call}`, BARRIER: '1' },
        status: 137,
      });
      expect(reports.map(({ outcome }) => outcome.how)).toEqual(['discovered', 'discovered', 'discovered']);
      expect(stderr.match(/rank \d: the leader has gone; discovered the machine on its own\n/g)).toHaveLength(
        3,
      );
      expect(stderr.match(/rank \d: .*; it passes its barriers without the others\n/g)).toHaveLength(3);
    });

    test('as the leader after the join: the others pass their barrier, and say so', async () => {
      const { reports, stderr } = await runMixed(local(language, other, 'node', language), {
        env: { DIES: '0:0', BARRIER: '1' },
        status: 137,
      });
      expect(reports.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted', 'adopted']);
      expect(
        stderr.match(/rank \d: the leader has gone; it passes its barriers without the others\n/g),
      ).toHaveLength(3);
    });
  });

  launcher('slurm').describe('under srun, where nobody else tidies up', () => {
    let slurm: Slurm;
    beforeAll(async () => {
      slurm = await startSlurm();
    });
    afterAll(() => slurm.stop());

    test.each([
      ['c', 'python', 'c'],
      ['python', 'c', 'c'],
      ['node', 'python', 'python'],
    ] as const)('as the leader in %s: members in %s and %s leave nothing', async (...languages) => {
      // Node writes by itself; there, the library's call is what can be waited for.
      const { reports } = await runMixed(launcherCommands.slurm(3, mix(languages)), {
        env: { ...slurm.env, KILLED: '0 ftruncate 1' },
        status: 137,
      });
      expect(reports.map(({ outcome }) => outcome.how)).toEqual(['discovered', 'discovered']);
    });
  });
});
