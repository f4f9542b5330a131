// A launcher inside a rank of another one: its ranks have the variables of both, and share as ranks of the inner one.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher } from '../launchers/available.js';
import { type Slurm, startSlurm } from '../launchers/slurm.js';
import { launcherCommands } from '../support/jobs.js';
import { type Report, expectAllAdopted, reporter, runSharedJob } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';

const { mpich, slurm: srun } = launcherCommands;
// Unbound: Open MPI 6 gives ranks that it binds local ranks in another order.
const openmpi: typeof mpich = (n, program) => launcherCommands.openmpi(n, ['--bind-to', 'none', ...program]);

/** Without the wrapper, behind it, and with the wrapper in front of the inner launcher. */
const ways: [string, (outer: Nested, inner: readonly string[]) => readonly string[]][] = [
  ['without the wrapper', (outer, inner) => outer(inner)],
  ['behind the wrapper', (outer, inner) => wrapper(...outer(inner))],
  ['with the wrapper inside', (outer, inner) => outer(wrapper(...inner))],
];
type Nested = (inner: readonly string[]) => readonly string[];

const places = (reports: readonly Report[]) =>
  reports.map(({ rank, size, localRank, localSize }) => [rank, size, localRank, localSize]);

/** Runs a job whose inner launcher starts three ranks. */
async function expectThreeToShare(
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<void> {
  const { reports } = await runSharedJob(command, { env });
  expectAllAdopted(reports, 3);
  expect(places(reports)).toEqual([0, 1, 2].map((rank) => [rank, 3, rank, 3]));
}

launcher('openmpi').describe('Open MPI', () => {
  launcher('mpich').describe('and MPICH', () => {
    describe.each(ways)('%s', (_, command) => {
      test('MPICH in a rank of Open MPI', async () => {
        await expectThreeToShare(command((inner) => openmpi(1, inner), mpich(3, reporter)));
      });

      test('Open MPI in a rank of MPICH', async () => {
        await expectThreeToShare(command((inner) => mpich(1, inner), openmpi(3, reporter)));
      });

      test('a shell between the inner launcher and each of its ranks', async () => {
        const program = ['sh', '-c', '"$@"; exit $?', 'sh', ...reporter];
        await expectThreeToShare(command((inner) => openmpi(1, inner), mpich(3, program)));
      });

      test('two jobs of the inner launcher at once, one in each of two ranks', async () => {
        const { reports } = await runSharedJob(command((inner) => openmpi(2, inner), mpich(2, reporter)));
        expect(places(reports)).toEqual([0, 0, 1, 1].map((rank) => [rank, 2, rank, 2]));
        expect(reports.map(({ outcome }) => outcome.how)).toEqual(Array(4).fill('adopted'));
        expect(reports.filter(({ outcome }) => outcome.didDiscover)).toHaveLength(2);
      });
    });
  });

  test.each(ways)('in a rank of the built-in launcher, %s', async (_, command) => {
    await expectThreeToShare(command((inner) => wrapper('local', '-n', '1', ...inner), openmpi(3, reporter)));
  });

  test.each(ways.slice(0, 1))('the built-in launcher in a rank of it', async (_, command) => {
    await expectThreeToShare(command((inner) => openmpi(1, inner), wrapper('local', '-n', '3', ...reporter)));
  });
});

// Neither can be installed here: their variables around a real launcher. (Open MPI 4.1.4 is not among them: by itself, too, its mpirun
// ends in a segmentation fault where FLUX_JOB_ID is set.)
launcher('mpich').describe('MPICH', () => {
  test.each<[string, Record<string, string>]>([
    [
      'Flux',
      {
        FLUX_TASK_RANK: '0',
        FLUX_TASK_LOCAL_ID: '0',
        FLUX_JOB_SIZE: '1',
        FLUX_JOB_NNODES: '1',
        FLUX_JOB_ID: 'ƒ3ETxsR9H',
        FLUX_JOB_TMPDIR: '/tmp/flux-Xa3bCd/jobtmp-0-ƒ3ETxsR9H',
      },
    ],
    [
      'torchrun',
      {
        RANK: '0',
        WORLD_SIZE: '1',
        LOCAL_RANK: '0',
        LOCAL_WORLD_SIZE: '1',
        TORCHELASTIC_RUN_ID: 'none',
        TORCHELASTIC_RESTART_COUNT: '0',
      },
    ],
  ])('in a rank of %s', async (_, env) => {
    await expectThreeToShare(mpich(3, reporter), env);
    await expectThreeToShare(wrapper(...mpich(3, reporter)), env);
  });
});

launcher('slurm').describe('Slurm', () => {
  let slurm: Slurm;
  beforeAll(async () => {
    slurm = await startSlurm();
  });
  afterAll(() => slurm.stop());

  for (const [name, mpirun] of [
    ['openmpi', openmpi],
    // By itself it would start its ranks by srun, in a step that is busy: it would wait for ever, without us as well.
    [
      'mpich',
      (n: number, program: readonly string[]) => [
        'mpirun.mpich',
        '-launcher',
        'fork',
        '-n',
        String(n),
        ...program,
      ],
    ],
  ] as const) {
    launcher(name).describe(`and ${name}`, () => {
      test.each(ways)('srun in a rank of it, %s', async (_, command) => {
        await expectThreeToShare(
          command((inner) => mpirun(1, inner), srun(3, reporter)),
          slurm.env,
        );
      });

      test.each(ways)('it in a step of srun, %s', async (_, command) => {
        await expectThreeToShare(
          command((inner) => srun(1, inner), mpirun(3, reporter)),
          slurm.env,
        );
      });
    });
  }

  // From Slurm 26.05 on it is -6, the same 32 bits.
  test("a rank in the shell of an allocation, whose step's id has ten digits or a sign, knows who it is", async () => {
    const shell = ['salloc', '-Q', '-n', '1', 'srun', '--interactive'];
    const printed = await runSharedJob([...shell, 'printenv', 'SLURM_STEP_ID'], { env: slurm.env });
    expect(printed.stdout).toMatch(/^(4294967290|-6)\n$/);
    const { reports, stderr } = await runSharedJob([...shell, ...reporter], { env: slurm.env });
    expectAllAdopted(reports, 1);
    expect(stderr).toBe('');
  });

  // A federation of clusters, whose job ids have ten digits, takes a database: the id is set by hand.
  test('ranks of a job whose id has ten digits share', async () => {
    const program = ['env', 'SLURM_JOB_ID=4026531841', ...reporter];
    await expectThreeToShare(srun(3, program), slurm.env);
    await expectThreeToShare(wrapper(...srun(3, program)), slurm.env);
  });
});
