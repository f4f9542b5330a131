// What ranks in C and Python know of their place, where that is less simple: below two launchers, and where a launcher tells little.
import { describe, expect, test } from 'vitest';
import { launcher } from '../launchers/available.js';
import { installed } from '../support/programs.js';
import { launcherCommands } from '../support/jobs.js';
import { expectAllAdopted, fixture } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';
import { type RankReport, buildRanks, type Language, mix, programs, runMixed } from './ranks.js';

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
