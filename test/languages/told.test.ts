// What ranks in C and Python know of their place, where that is less simple: below two launchers, and where a launcher tells little.
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { launcher, onCluster } from '../launchers/available.js';
import { launcherOn, runHostsJob, threeHosts } from '../support/hosts-job.js';
import { installed } from '../support/programs.js';
import { launcherCommands } from '../support/jobs.js';
import { expectAllAdopted, fixture } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';
import {
  type RankReport,
  buildRanks,
  compile,
  fixture as languageFixture,
  type Language,
  mix,
  programs,
  rankEnvironment,
  runMixed,
} from './ranks.js';

const { openmpi, mpich } = launcherCommands;
const places = (reports: readonly RankReport[]) =>
  reports.map(({ rank, size, localRank, localSize }) => ({ rank, size, localRank, localSize }));

installed(...programs).describe('ranks in C and Python', () => {
  buildRanks();

  launcher('openmpi').describe('and Open MPI', () => {
    launcher('mpich').describe('and MPICH', () => {
      describe.each<[string, string[]]>([
        ['without the wrapper', []],
        ['behind the wrapper', wrapper()],
      ])('%s', (_, before) => {
        test.each<Language[]>([
          ['c', 'python', 'node'],
          ['python', 'node', 'c'],
          ['node', 'c', 'python'],
        ])('in MPICH in a rank of Open MPI, share as ranks of MPICH: %s, %s, %s', async (...order) => {
          const command = [...before, ...openmpi(1, mpich(3, mix(order)))];
          const { reports, stderr } = await runMixed(command, { env: { RANK_FROM: 'PMI_RANK' } });
          expect(stderr).toBe('');
          expectAllAdopted(reports, 3);
          expect(places(reports)).toEqual(
            [0, 1, 2].map((rank) => ({ rank, size: 3, localRank: rank, localSize: 3 })),
          );
        });
      });
    });

    // Flux cannot be installed here: a real launcher starts the ranks, which then have its variables (fixtures/as.sh).
    test.each([
      ['PMIx alone', 'pmix', 'PMIX_RANK', (rank: number) => ({ rank })],
      [
        'Flux on several nodes',
        'flux',
        'FLUX_TASK_RANK',
        (rank: number) => ({ rank, size: 2, localRank: rank }),
      ],
      ['aprun', 'alps', 'ALPS_APP_PE', (rank: number) => ({ rank })],
    ] as const)('under %s, know their rank, and what they are not told', async (_, kind, variable, place) => {
      for (const language of ['c', 'python'] as const) {
        const program = ['sh', fixture('as.sh'), kind, ...mix([language, language])];
        const { reports } = await runMixed(openmpi(2, program), { env: { RANK_FROM: variable } });
        expect(places(reports)).toEqual([place(0), place(1)]);
      }
    });
  });
});

onCluster('slurm', 'openmpi').describe('on three hosts, behind the wrapper', () => {
  const hosts = threeHosts();

  // To the others than the first, Open MPI passes the name of the job on under another name.
  installed(...programs).test('ranks in C, Python and Node under Open MPI share on each', async () => {
    const program = join(hosts.cluster.folder, 'report');
    copyFileSync(compile(languageFixture('report.c')), program);
    const env = { ...rankEnvironment(), REPORT_c: program };
    const passed = Object.keys(env).flatMap((name) => ['-x', name]);
    const ranks = mix(['c', 'node', 'python', 'c', 'node', 'python']);
    const mpirun = [...launcherOn(hosts.cluster, 'openmpi', 2), ...passed, '-n', '6', ...ranks];
    const { reports, stderr } = await runHostsJob(hosts.cluster, wrapper(...mpirun), { env });
    expect(stderr).toBe('');
    expect(reports.map(({ outcome }) => outcome.how)).toEqual(Array(6).fill('adopted'));
    expect(reports.filter(({ outcome }) => outcome.didDiscover)).toHaveLength(3);
  });
});
