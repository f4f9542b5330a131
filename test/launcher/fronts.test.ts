// Where a launcher's command line has its programs, and what stands in front of each.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Environment } from '../../src/environment/index.js';
import { fronts } from '../../src/launcher/fronts/index.js';
import { hydraOptions } from '../../src/launcher/fronts/mpich.js';
import { mpirunOptions } from '../../src/launcher/fronts/openmpi.js';
import { srunOptions } from '../../src/launcher/fronts/slurm.js';
import { launcher } from '../launchers/available.js';
import { startSlurm } from '../launchers/slurm.js';
import { runJob } from '../support/job.js';

/** The words with `FRONT` in front of each program; undefined where that cannot be done. */
function fronted(kind: string, words: string, env: Environment = {}): string | undefined {
  return fronts[kind]?.put({ args: words.split(' '), env }, ['FRONT'])?.args.join(' ');
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
    ['--new-option prog', undefined],
    ['-n 1 a : --path /opt prog', undefined],
    ['--app file', undefined],
    ['-s prog', undefined],
    ['-n 2 /usr/bin/java Program', undefined],
    ['--version', undefined],
    ['-n', '-n'],
  ])('%s', (words, expected) => {
    expect(fronted('openmpi', words)).toBe(expected);
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
    ['-configfile file', undefined],
    ['-new-option prog', undefined],
  ])('%s', (words, expected) => {
    expect(fronted('mpich', words)).toBe(expected);
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
    ['--new-option prog', undefined],
    ['--new-option=3 prog', '--job-name=prog --new-option=3 FRONT prog'],
    ['-n 2 --multi-prog file', undefined],
    ['--bcast=/tmp/a prog', undefined],
    ['--container-image=ubuntu prog', undefined],
  ])('%s', (words, expected) => {
    expect(fronted('slurm', words)).toBe(expected);
  });

  test('a job that has a name from the environment keeps it', () => {
    expect(fronted('slurm', 'prog', { SLURM_JOB_NAME: 'name' })).toBe('FRONT prog');
  });

  test('SLURM_BCAST copies programs, and is in the way', () => {
    expect(fronted('slurm', 'prog', { SLURM_BCAST: '/tmp/a' })).toBeUndefined();
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
    fc.property(fc.array(word, { maxLength: 12 }), fc.constantFrom(...Object.keys(fronts)), (args, kind) => {
      const words = fronts[kind]?.put({ args, env: { SLURM_JOB_NAME: '' } }, ['FRONT'])?.args;
      expect((words ?? args).filter((each) => each !== 'FRONT')).toEqual(args);
    }),
  );
});

/** The options in a help text, each with the number of values that it shows. */
function optionsIn(help: string, pattern: RegExp): [option: string, values: number][] {
  return [...help.matchAll(pattern)].flatMap(([, names = '', rest = '']) =>
    names
      .split(/[|/]|, /)
      .map((name): [string, number] => [name.trim(), rest.match(/[<{]\w+/g)?.length ?? 0]),
  );
}

launcher('openmpi').describe('the installed mpirun', () => {
  test('has no option whose values are counted wrongly', async () => {
    const env = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
    const { stdout } = await runJob(['mpirun.openmpi', '--help', 'full'], { env });
    const options = optionsIn(stdout, /^ {0,3}(-[\w|-]+)((?: <arg\d>)*)/gm);
    expect(options.length).toBeGreaterThan(100);
    const known = options.filter(([option]) => mpirunOptions(option) !== undefined);
    expect(known.length).toBeGreaterThan(100);
    expect(known.filter(([option, values]) => mpirunOptions(option) !== values)).toEqual([]);
  });
});

launcher('mpich').describe('the installed mpiexec.hydra', () => {
  test('has no option that is not known but -configfile', async () => {
    const { stdout } = await runJob(['mpirun.mpich', '-help']);
    const options = optionsIn(stdout, /^ {4}(-[\w/-]+)/gm);
    expect(options.length).toBeGreaterThan(40);
    const unknown = options.filter(([option]) => hydraOptions(option.replace(/^-?/, '-')) === undefined);
    expect(unknown.map(([option]) => option)).toEqual(['-configfile']);
  });
});

launcher('slurm').describe('the installed srun', () => {
  test('has no option that is not known but those that start programs in another way', async () => {
    const slurm = await startSlurm();
    const { stdout } = await runJob(['srun', '--help'], { env: slurm.env });
    await slurm.stop();
    const lines = [...stdout.matchAll(/^ +(-\w)?,? +(--[\w-]+)(\[?=)?/gm)];
    expect(lines.length).toBeGreaterThan(90);
    const unknown = lines
      .filter(([, , long = '']) => srunOptions(long) === undefined)
      .map(([, , long]) => long);
    expect(unknown.sort()).toEqual(['--bcast', '--bcast-exclude', '--container', '--multi-prog']);
    for (const [, short, long = '', value] of lines) {
      // It says `--mem >= …` as well, in a sentence.
      if (unknown.includes(long) || long === '--mem') continue;
      const values = value === '=' ? 1 : 0;
      expect([long, srunOptions(long)]).toEqual([long, values]);
      if (short !== undefined) expect([short, srunOptions(short)]).toEqual([short, values]);
    }
  });
});
