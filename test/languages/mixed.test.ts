// Ranks in C, Python and Node in one job: one discovery, one address, one topology, common barriers; whoever leads.
import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launcher } from '../launchers/available.js';
import { installed, unlessMissing } from '../support/programs.js';
import { type Slurm, startSlurm } from '../launchers/slurm.js';
import { launcherCommands } from '../support/jobs.js';
import { expectAllAdopted, runSharedJob } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';
import {
  type Language,
  buildRanks,
  inC,
  mix,
  programs,
  pythonCommand,
  pythonEnvironment,
  runMixed,
  whyNoMpi,
} from './ranks.js';

const examples = resolve(import.meta.dirname, '../../examples');

const orders: Language[][] = [
  ['c', 'python', 'node', 'c', 'python'],
  ['python', 'node', 'c', 'python', 'node'],
  ['node', 'c', 'python', 'node', 'c'],
];

/** Runs a job with three barriers in it, and expects all that must be true of it. */
async function expectToShare(
  command: readonly string[],
  languages: readonly Language[],
  env: Record<string, string> = {},
) {
  const meeting = { MEETING: temporaryFolder(), EXPECTED: String(languages.length), DATA: '300001' };
  const { reports, stderr } = await runMixed(command, { env: { ...meeting, ...env } });
  expect(stderr).toBe('');
  expectAllAdopted(reports, languages.length);
  expect(reports.map(({ language }) => language)).toEqual(languages);
  // Open MPI 6.0 counts the ranks of a node in another order.
  const localRanks = reports.map(({ localRank = -1 }) => localRank).sort((a, b) => a - b);
  expect(localRanks).toEqual([...languages.keys()]);
  for (const { outcome, rank, localSize, size, twice, met, cores, data } of reports) {
    expect({ localSize, size, twice, met }).toEqual({
      localSize: languages.length,
      size: languages.length,
      twice: true,
      met: true,
    });
    expect(outcome.didDiscover).toBe(rank === 0);
    expect(cores).toBe(reports[0]?.cores);
    // The leader's data: the letter is that of its language.
    const letter = (languages[0] ?? '').charCodeAt(0);
    expect(data).toEqual({ 'a table': [300_001, letter], nothing: [0, null] });
  }
}

installed(...programs).describe('ranks in C, Python and Node', () => {
  buildRanks();

  test.each(orders)('share under the built-in launcher, led by one in %s', async (...languages) => {
    await expectToShare(wrapper('local', '-n', '5', ...mix(languages)), languages);
  });

  test.each(['c', 'python'] as const)('share where all are in %s', async (language) => {
    const languages = [language, language, language];
    await expectToShare(wrapper('local', '-n', '3', ...mix(languages)), languages);
  });

  for (const name of ['openmpi', 'mpich'] as const) {
    launcher(name).describe(name, () => {
      test.each(orders)('share behind the wrapper, led by one in %s', async (...languages) => {
        await expectToShare(wrapper(...launcherCommands[name](5, mix(languages))), languages);
      });

      test('share without the wrapper', async () => {
        const languages: Language[] = ['c', 'python', 'c', 'node'];
        await expectToShare(launcherCommands[name](4, mix(languages)), languages);
      });
    });
  }

  launcher('slurm').describe('slurm', () => {
    let slurm: Slurm;
    beforeAll(async () => {
      slurm = await startSlurm();
    });
    afterAll(() => slurm.stop());

    test.each(orders)('share without the wrapper, led by one in %s', async (...languages) => {
      await expectToShare(launcherCommands.slurm(5, mix(languages)), languages, slurm.env);
    });

    test('share behind the wrapper, in a step that is smaller than its allocation', async () => {
      const languages: Language[] = ['python', 'c', 'node'];
      const step = wrapper(...launcherCommands.slurm(3, mix(languages)));
      await expectToShare(['salloc', '-Q', '-n', '6', '--oversubscribe', ...step], languages, slurm.env);
    });
  });

  /** A program of examples/c, built as its Makefile says. */
  function example(name: string, options: readonly string[] = []): string {
    const folder = temporaryFolder();
    cpSync(join(examples, 'c'), folder, { recursive: true });
    execFileSync('make', ['-C', folder, `CLIENT=${inC}`, ...options, name], { stdio: 'pipe' });
    return join(folder, name);
  }

  test('as the examples show it', async () => {
    const rankInPython = [pythonCommand(), join(examples, 'python/rank.py')];
    // Ranks in C take as long to come as those in Python, and so have as much patience: on a busy machine, that is more than a second.
    const starts = '"$1" -c "import hwloc_share"; exec "$0"';
    const shell = `if [ $HWLOC_SHARE_RANK -lt 2 ]; then ${starts}; else exec "$@"; fi`;
    const command = wrapper('local', '-n', '4', 'sh', '-c', shell, example('rank'), ...rankInPython);
    const { stdout, stderr } = await runSharedJob(command, { env: pythonEnvironment });
    expect(stderr).toBe('');
    const lines = stdout
      .replace(/\)\n*rank/g, ')\nrank')
      .trimEnd()
      .split('\n')
      .sort();
    expect(lines.map((line) => /^rank (\d) of 4: number \1 of 4 on .* \(adopted\)$/.exec(line)?.[1])).toEqual(
      ['0', '1', '2', '3'],
    );
  });

  const mpi = { openmpi: ['mpicc.openmpi'], mpich: ['mpicc.mpich'] } as const;
  for (const name of ['openmpi', 'mpich'] as const) {
    launcher(name).describe(name, () => {
      unlessMissing(whyNoMpi(mpi[name][0]), false).test(
        'the examples with MPI share and bind to cores',
        async () => {
          const program = example('mpi', [`MPICC=${mpi[name][0]}`]);
          const script = [pythonCommand(), join(examples, 'python/mpi.py')];
          for (const command of [[program], script]) {
            const { stdout, stderr } = await runSharedJob(wrapper(...launcherCommands[name](2, command)), {
              // Without a network, Open MPI complains of its TCP.
              env: { PYTHONDONTWRITEBYTECODE: '1', HWLOC_SHARE_STRICT: '1', OMPI_MCA_btl: '^tcp' },
            });
            expect(stderr).toBe('');
            const lines = stdout
              .split(/\r?\n/)
              .filter((line) => line !== '')
              .sort();
            expect(lines.map((line) => /^MPI rank (\d) on \S+: bound to core \d+$/.exec(line)?.[1])).toEqual([
              '0',
              '1',
            ]);
          }
        },
      );
    });
  }
});
