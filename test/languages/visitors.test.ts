// Ranks that come to a channel which is not theirs alone: a second process with the number of a rank, the ranks of another step, and ranks
// that ask for another topology.
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { installed, rootOnly } from '../support/programs.js';
import { runJob } from '../support/job.js';
import { expectAllAdopted, reportsIn, runSharedJob } from '../support/shared-job.js';
import { leftovers } from '../support/leftovers.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';
import { type RankReport, buildRanks, mix, programs, rankEnvironment, runMixed } from './ranks.js';

const inShm = resolve(import.meta.dirname, '../faults/fixtures/in-shm.sh');

/** Runs ranks that join at the same time, each with variables of its own. None leaves before all have joined. */
async function run(
  ranks: readonly { command: string; env: Record<string, string> }[],
  env: Record<string, string>,
) {
  const lines = ranks.map(
    ({ command, env: own }, i) => `${inShell({ ...own, TOGETHER_NAME: String(i) })} ${command} &`,
  );
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

const built = (rank: number, size = 2) => ({
  HWLOC_SHARE_RANK: String(rank),
  HWLOC_SHARE_SIZE: String(size),
  HWLOC_SHARE_LOCAL_RANK: String(rank),
  HWLOC_SHARE_LOCAL_SIZE: String(size),
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
  });
});

/** Which languages the first rank and the others are in. */
const pairs = [
  ['c', 'python'],
  ['python', 'c'],
  ['node', 'c'],
  ['node', 'python'],
  ['c', 'node'],
  ['python', 'node'],
] as const;

installed(...programs).describe('ranks that the wrapper gave one name', () => {
  buildRanks();
  const step = (id: number, rank: number) => ({
    SLURM_PROCID: String(rank),
    SLURM_STEP_NUM_TASKS: '2',
    SLURM_LOCALID: String(rank),
    SLURM_NODEID: '0',
    SLURM_STEP_TASKS_PER_NODE: '2',
    SLURM_JOB_ID: '7',
    SLURM_STEP_ID: String(id),
    HWLOC_SYNTHETIC: `core:${2 + id} pu:1`,
  });
  const job = { HWLOC_SHARE_JOB: 'a-job', HWLOC_SHARE_LAUNCHER: 'slurm', BARRIER: '1' };

  test.each(pairs)('share in each of two steps on its own (%s, %s)', async (one, other) => {
    // Both steps have the same local ranks, and join at the same time.
    const ranks = [step(0, 0), step(1, 0), step(0, 1), step(1, 1)];
    const commands = [one, one, other, other];
    const { reports, stderr } = await run(
      ranks.map((env, i) => ({ command: `$REPORT_${commands[i] ?? ''}`, env })),
      job,
    );
    expect(stderr).toBe('');
    expect(reports.map(({ outcome }) => outcome.how)).toEqual(Array(4).fill('adopted'));
    expect(reports.map(({ rank, cores }) => [rank, cores]).sort()).toEqual([
      [0, 2],
      [0, 3],
      [1, 2],
      [1, 3],
    ]);
    expect(reports.filter(({ outcome }) => outcome.didDiscover)).toHaveLength(2);
  });

  rootOnly('mount', 'unshare').describe('share', () => {
    test.each(pairs)(
      'on a full /dev/shm, which has no room for the name of a long step (%s, %s)',
      async (one, other) => {
        // A link of 128 bytes or more takes a block.
        const env = { ...job, SLURM_JOB_ID: '7'.repeat(200) };
        const lines = [one, other].map(
          (language, i) => `env ${inShell({ ...step(0, i), ...env })} $REPORT_${language} &`,
        );
        const command = ['sh', inShm, 'full', 'sh', '-c', `${lines.join('\n')}\nwait`];
        const TMPDIR = temporaryFolder();
        const { stdout, stderr } = await runJob(command, {
          env: {
            ...rankEnvironment(),
            TOGETHER: temporaryFolder(),
            TOGETHER_COUNT: '2',
            TMPDIR,
            XDG_RUNTIME_DIR: undefined,
            HWLOC_SHARE_DIR: undefined,
          },
        });
        expectAllAdopted(reportsIn(stdout), 2);
        expect(stderr).toMatch(
          /^hwloc-share: [^\n]*: (No space left on device|.*ENOSPC.*); using the next directory\n$/,
        );
        expect(leftovers([TMPDIR])).toEqual([]);
      },
    );
  });
});

installed(...programs).describe('a rank that asks for another topology than its leader', () => {
  buildRanks();
  const said =
    /^hwloc-share: node \S+, rank 2: it asks for another topology than the leader does \(HWLOC_SYNTHETIC, HWLOC_XMLFILE, HWLOC_FSROOT, HWLOC_CPUID_PATH or HWLOC_COMPONENTS\); discovered the machine on its own\n$/;
  const small = { HWLOC_SYNTHETIC: 'core:2 pu:1' };
  const large = { HWLOC_SYNTHETIC: 'core:3 pu:1' };
  const asked = [
    { about: 'another one', all: small, its: large },
    { about: 'one, where the leader asks for none', all: {}, its: large },
    // An empty variable is none.
    { about: 'none, where the leader asks for one', all: small, its: { HWLOC_SYNTHETIC: '' } },
  ];

  describe.each(pairs)('led by one in %s, in %s', (leader, language) => {
    test.each(asked)('discovers its own: $about', async ({ all, its }) => {
      const { reports, stderr } = await run(
        [leader, language, language].map((each, rank) => ({
          command: `$REPORT_${each}`,
          env: { ...built(rank, 3), ...(rank === 2 ? its : all) },
        })),
        { BARRIER: '1', DATA: '1000' },
      );
      expect(reports.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted', 'discovered']);
      expect(reports[2]?.tree).not.toBe(reports[0]?.tree);
      expect(reports[2]?.data).toEqual(reports[0]?.data);
      expect(stderr).toMatch(said);
    });

    test('discovers its own when it comes late, too', async () => {
      const shape = 'if [ $HWLOC_SHARE_RANK = 2 ]; then export HWLOC_SYNTHETIC="core:3 pu:1"; fi; exec "$@"';
      const { reports, stderr } = await runMixed(
        wrapper('local', '-n', '3', 'sh', '-c', shape, 'sh', ...mix([leader, leader, language])),
        { env: { LATE: '2', STAY: '2:0', FLAG: join(temporaryFolder(), 'flag'), BARRIER: '1' } },
      );
      expect(reports.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted', 'discovered']);
      expect(reports[2]?.cores).toBe(3);
      const [late, own] = [/rank 0: rank 2 has not joined/, /rank 2: it asks for another topology/];
      const lines = stderr.trimEnd().split('\n');
      expect(lines).toHaveLength(2);
      expect(lines[0]).toMatch(late);
      expect(lines[1]).toMatch(own);
    });

    test('shares if it asks for the same, whatever characters are in that', async () => {
      const same = { ...small, HWLOC_COMPONENTS: '-bücher-日本-🦊', HWLOC_FSROOT: '/' };
      const ranks = [leader, language].map((each, rank) => ({
        command: `$REPORT_${each}`,
        env: built(rank),
      }));
      const { reports, stderr } = await run(ranks, same);
      expect(stderr).toBe('');
      expectAllAdopted(reports, 2);
    });

    test('shares if only the wrapper made it read another file', async () => {
      const ranks = [leader, language].map((each, rank) => ({
        command: `$REPORT_${each}`,
        env: { ...built(rank), HWLOC_XMLFILE: `/nowhere/${rank}`, HWLOC_SHARE_XMLFILE: '/nowhere' },
      }));
      const { reports, stderr } = await run(ranks, small);
      expect(stderr).toBe('');
      expectAllAdopted(reports, 2);
    });
  });
});

/** Assignments for a shell. */
function inShell(env: Record<string, string>): string {
  return Object.entries(env)
    .map(([name, value]) => `${name}='${value}'`)
    .join(' ');
}
