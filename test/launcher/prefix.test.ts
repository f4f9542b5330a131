// Where a launcher's command line has its programs, and what stands in front of each.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Environment } from '../../src/environment/index.js';
import { prefixRules } from '../../src/launcher/prefix/index.js';
import { hydraOptionNames, hydraOptions } from '../../src/launcher/prefix/mpich.js';
import { mpirunOptionNames, mpirunOptions } from '../../src/launcher/prefix/openmpi.js';
import { srunOptions } from '../../src/launcher/prefix/slurm.js';
import { launcher } from '../launchers/available.js';
import { startSlurm } from '../launchers/slurm.js';
import { runJob } from '../support/job.js';
import { temporaryFolder } from '../support/temporary.js';

/** The words with `FRONT` in front of each program; undefined where that cannot be done. */
function prefixed(kind: string, words: string, env: Environment = {}): string | undefined {
  return prefixRules[kind]?.put({ args: words.split(' '), env }, ['FRONT'])?.args.join(' ');
}

describe('Open MPI', () => {
  test.each<[string, string | undefined]>([
    ['-n 2 prog -n 3', '-n 2 FRONT prog -n 3'],
    ['prog', 'FRONT prog'],
    ['-np 2 a : -n 1 b : c', '-np 2 FRONT a : -n 1 FRONT b : FRONT c'],
    [
      '--mca plm rsh --host h1:2,h2:2 -x A=b --oversubscribe prog',
      '--mca plm rsh --host h1:2,h2:2 -x A=b --oversubscribe FRONT prog',
    ],
    ['--map-by node --bind-to none -H h1 prog', '--map-by node --bind-to none -H h1 FRONT prog'],
    ['--with-ft ulfm --prtemca plm ssh -n 2 prog', '--with-ft ulfm --prtemca plm ssh -n 2 FRONT prog'],
    ['--display-topo prog', undefined],
    ['--new-option prog', undefined],
    ['-n 1 a : --path /opt prog', undefined],
    ['--app file', undefined],
    ['-s prog', undefined],
    ['-n 2 /usr/bin/java Program', undefined],
    ['--version', undefined],
    ['-n', '-n'],
  ])('%s', (words, expected) => {
    expect(prefixed('openmpi', words)).toBe(expected);
  });
});

describe('MPICH', () => {
  test.each<[string, string | undefined]>([
    ['-n 2 prog -n 3', '-n 2 FRONT prog -n 3'],
    [
      '-genv A b -env C d -envnone -n 2 a : -n 1 b',
      '-genv A b -env C d -envnone -n 2 FRONT a : -n 1 FRONT b',
    ],
    ['--hosts=h1,h2 -ppn 1 -l prog', '--hosts=h1,h2 -ppn 1 -l FRONT prog'],
    ['-launcher ssh -launcher-exec /a -f hosts prog', '-launcher ssh -launcher-exec /a -f hosts FRONT prog'],
    ['-hybrid-hosts -rankmap 0,1 prog', '-hybrid-hosts -rankmap 0,1 FRONT prog'],
    ['-configfile file', undefined],
    ['-new-option prog', undefined],
  ])('%s', (words, expected) => {
    expect(prefixed('mpich', words)).toBe(expected);
  });
});

describe('srun', () => {
  test.each<[string, string | undefined]>([
    ['-n 2 prog -n 3', '--job-name=prog -n 2 FRONT prog -n 3'],
    ['-n2 -lN 2 --label ./bin/prog', '--job-name=prog -n2 -lN 2 --label FRONT ./bin/prog'],
    ['-n 2 -- prog', '--job-name=prog -n 2 -- FRONT prog'],
    ['-J name prog', '-J name FRONT prog'],
    ['--job-name=name prog', '--job-name=name FRONT prog'],
    ['--mpi pmi2 --nodes=2 -K prog', '--job-name=prog --mpi pmi2 --nodes=2 -K FRONT prog'],
    ['-n 1 a : -n 2 b', '--job-name=a -n 1 FRONT a : -n 2 FRONT b'],
    ['--wait 30 prog', '--job-name=prog --wait 30 FRONT prog'],
    ['--wait-for-children prog', '--job-name=prog --wait-for-children FRONT prog'],
    ['--new-option prog', undefined],
    ['--new-option=3 prog', '--job-name=prog --new-option=3 FRONT prog'],
    ['-n 2 --multi-prog file', undefined],
    ['--bcast=/tmp/a prog', undefined],
    ['--container-image=ubuntu prog', undefined],
  ])('%s', (words, expected) => {
    expect(prefixed('slurm', words)).toBe(expected);
  });

  test('a job that has a name from the environment keeps it', () => {
    expect(prefixed('slurm', 'prog', { SLURM_JOB_NAME: 'name' })).toBe('FRONT prog');
  });

  test('SLURM_BCAST copies programs, and is in the way', () => {
    expect(prefixed('slurm', 'prog', { SLURM_BCAST: '/tmp/a' })).toBeUndefined();
  });
});

test('whatever the words: all of them are there, in their order', () => {
  const word = fc.constantFrom(
    '-n',
    '2',
    ':',
    'prog',
    '--',
    '',
    '-x',
    '-genv',
    '--mca',
    '-l',
    '-N',
    '-',
    '--label',
    '-n=',
  );
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 12 }),
      fc.constantFrom(...Object.keys(prefixRules)),
      (args, kind) => {
        const words = prefixRules[kind]?.put({ args, env: { SLURM_JOB_NAME: '' } }, ['FRONT'])?.args;
        expect((words ?? args).filter((each) => each !== 'FRONT')).toEqual(args);
      },
    ),
  );
});

/**
 * How many words a launcher takes as the values of an option, by what stands between the option and `--version`; undefined where it
 * does not know the option, or not such values.
 */
async function valuesTaken(launch: readonly string[], option: string): Promise<number | undefined> {
  const env = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
  const [command = '', version = ''] = launch;
  // Some of them write files, into a folder that is theirs.
  const cwd = temporaryFolder();
  const printed = async (...words: string[]) =>
    (await runJob([command, ...words, version], { env, cwd })).stdout;
  const expected = await printed();
  for (let count = 0; count <= 2; count++) {
    if ((await printed(option, ...Array<string>(count).fill('1'))) === expected) return count;
  }
  return undefined;
}

describe.each([
  {
    name: 'openmpi',
    launch: ['mpirun.openmpi', '--version'],
    dashes: '--',
    names: mpirunOptionNames,
    counted: mpirunOptions,
  },
  {
    name: 'mpich',
    launch: ['mpirun.mpich', '-version'],
    dashes: '-',
    names: hydraOptionNames,
    counted: hydraOptions,
  },
] as const)('the installed launcher', ({ name, launch, dashes, names, counted }) => {
  launcher(name).describe(name, () => {
    test('takes as many values with each option as we count', { timeout: 120_000 }, async () => {
      const options = names.flatMap((each) => each.split(' '));
      const taken: [string, number][] = [];
      for (const option of options.map((each) => (each.length === 1 ? '-' : dashes) + each)) {
        const values = await valuesTaken(launch, option);
        if (values !== undefined) taken.push([option, values]);
      }
      expect(taken.length).toBeGreaterThan(40);
      expect(taken).toEqual(taken.map(([option]) => [option, counted(option)]));
    });
  });
});

launcher('slurm').describe('the installed srun', () => {
  test('takes as many values with each option as we count', async () => {
    const slurm = await startSlurm();
    const { stdout } = await runJob(['srun', '--help'], { env: slurm.env });
    await slurm.stop();
    const lines = [...stdout.matchAll(/^ +(-\w)?,? +(--[\w-]+)(\[?=)?/gm)];
    expect(lines.length).toBeGreaterThan(90);
    const known = lines.filter(([, , long = '']) => srunOptions(long) !== undefined);
    expect(known.length).toBeGreaterThan(90);
    for (const [, short, long = '', value] of known) {
      // It says `--mem >= …` as well, in a sentence.
      if (long === '--mem') continue;
      const values = value === '=' ? 1 : 0;
      expect([long, srunOptions(long)]).toEqual([long, values]);
      if (short !== undefined) expect([short, srunOptions(short)]).toEqual([short, values]);
    }
  });
});
