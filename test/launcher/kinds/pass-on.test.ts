// How the wrapper's variables are added to a launcher's words: what the user said stays, and goes first.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Environment } from '../../../src/environment/index.js';
import { launcherKinds } from '../../../src/launcher/kinds/index.js';

const both = { HWLOC_SHARE_JOB: 'j-1', HWLOC_SHARE_IO: 'all' };

/** The words as they become, and what becomes of other variables. */
function passed(kind: string, words: string, others: Environment = {}): string {
  const env: Environment = { ...others, ...both };
  const result = launcherKinds
    .find(({ name }) => name === kind)
    ?.passOn?.({ args: words.split(' '), env }, Object.keys(both));
  const changed = Object.entries(result?.env ?? {}).filter(([name, value]) => env[name] !== value);
  return [...(result?.args ?? []), ...changed.map(([name, value]) => `| ${name}=${value ?? ''}`)].join(' ');
}

const x = '-x HWLOC_SHARE_JOB -x HWLOC_SHARE_IO';

test('Open MPI: under names that begin with OMPI_, whatever its options and parameters are', () => {
  const added = '| OMPI_HWLOC_SHARE_JOB=j-1 | OMPI_HWLOC_SHARE_IO=all';
  for (const words of [
    '-n 2 prog a',
    '-n 2 prog : -n 3 other',
    '--app file',
    '-x HWLOC_SHARE_IO=none prog',
  ]) {
    expect(passed('openmpi', words)).toBe(`${words} ${added}`);
  }
});

describe('PRRTE: -x before each program', () => {
  test.each<[string, string]>([
    ['-n 2 prog a', `${x} -n 2 prog a`],
    ['-n 2 prog : -n 3 other : other', `${x} -n 2 prog : ${x} -n 3 other : ${x} other`],
    ['-x HWLOC_SHARE_IO=none -n 2 prog', '-x HWLOC_SHARE_JOB -x HWLOC_SHARE_IO=none -n 2 prog'],
    ['-n 1 -x HWLOC_SHARE_JOB a : b', `-x HWLOC_SHARE_IO -n 1 -x HWLOC_SHARE_JOB a : ${x} b`],
    ['-x PATH prog', `${x} -x PATH prog`],
  ])('%s', (words, expected) => {
    expect(passed('pmix', words)).toBe(expected);
  });
});

describe.each(['mpich', 'intelmpi', 'pals'])('%s: -genv, where not everything is passed on', (kind) => {
  const genv = '-genv HWLOC_SHARE_JOB j-1 -genv HWLOC_SHARE_IO all';
  test.each<[string, string]>([
    ['-n 2 prog', '-n 2 prog'],
    ['-genvall -n 2 prog : -n 2 prog', '-genvall -n 2 prog : -n 2 prog'],
    ['-genvnone -n 2 prog', `${genv} -genvnone -n 2 prog`],
    ['-genvlist PATH -n 2 prog', `${genv} -genvlist PATH -n 2 prog`],
    ['-n 2 -envnone a : -n 1 b', `${genv} -n 2 -envnone a : -n 1 b`],
    [
      '-genvnone -genv HWLOC_SHARE_IO none prog',
      '-genv HWLOC_SHARE_JOB j-1 -genvnone -genv HWLOC_SHARE_IO none prog',
    ],
  ])('%s', (words, expected) => {
    expect(passed(kind, words)).toBe(expected);
  });

  test('the variable that says so for all', () => {
    const name = kind === 'intelmpi' ? 'I_MPI_HYDRA_ENV' : 'HYDRA_ENV';
    expect(passed(kind, '-n 2 prog', { [name]: 'none' })).toBe(`${genv} -n 2 prog`);
    expect(passed(kind, '-n 2 prog', { [name]: 'all' })).toBe('-n 2 prog');
  });
});

describe('srun: --export', () => {
  const ours = 'HWLOC_SHARE_JOB,HWLOC_SHARE_IO';
  test.each<[string, string]>([
    ['-n 2 prog', '-n 2 prog'],
    ['--export=ALL -n 2 prog', '--export=ALL -n 2 prog'],
    ['--export=ALL,A=b prog', '--export=ALL,A=b prog'],
    ['--export=NONE -n 2 prog', `--export=${ours} -n 2 prog`],
    ['--export NONE -n 2 prog', `--export ${ours} -n 2 prog`],
    ['-n 2 --export=PATH,A=b prog', `-n 2 --export=PATH,A=b,${ours} prog`],
    ['--export=HWLOC_SHARE_IO=none prog', '--export=HWLOC_SHARE_IO=none,HWLOC_SHARE_JOB prog'],
    // What comes behind the program is the program's.
    ['-n 2 prog --export=NONE', '-n 2 prog --export=NONE'],
    ['-lN 2 prog --export=NONE', '-lN 2 prog --export=NONE'],
    ['-lN2 --label --exclusive prog --export=NONE', '-lN2 --label --exclusive prog --export=NONE'],
    ['--nodes 2 -K prog --export NONE', '--nodes 2 -K prog --export NONE'],
    ['-n 2 -- prog --export=NONE', '-n 2 -- prog --export=NONE'],
    ['--mpi pmi2 --export=NONE prog', `--mpi pmi2 --export=${ours} prog`],
    // Heterogeneous steps have options for each of their components.
    ['-n 1 --export=NONE a : -n 2 --export=A b', `-n 1 --export=${ours} a : -n 2 --export=A,${ours} b`],
    ['-n 1 a --export=NONE : --export=NONE b', `-n 1 a --export=NONE : --export=${ours} b`],
  ])('%s', (words, expected) => {
    expect(passed('slurm', words)).toBe(expected);
  });

  test('SLURM_EXPORT_ENV, as sbatch --export leaves it, unless there is the option', () => {
    expect(passed('slurm', 'prog', { SLURM_EXPORT_ENV: 'NONE' })).toBe(`prog | SLURM_EXPORT_ENV=${ours}`);
    expect(passed('slurm', 'prog', { SLURM_EXPORT_ENV: 'ALL' })).toBe('prog');
    expect(passed('slurm', '--export=A prog', { SLURM_EXPORT_ENV: 'NONE' })).toBe(`--export=A,${ours} prog`);
  });
});

describe('Flux: --env, behind the rules of the user', () => {
  const ours = '--env=HWLOC_SHARE_JOB --env=HWLOC_SHARE_IO';
  test.each<[string, string]>([
    ['run -n 2 prog', 'run -n 2 prog'],
    ['run --env-remove=* -n 2 prog', `run --env-remove=* ${ours} -n 2 prog`],
    ['run --env -* --env PATH prog', `run --env -* --env PATH ${ours} prog`],
    [
      'run --env=-* --env=HWLOC_SHARE_IO=none prog',
      'run --env=-* --env=HWLOC_SHARE_IO=none --env=HWLOC_SHARE_JOB prog',
    ],
  ])('%s', (words, expected) => {
    expect(passed('flux', words)).toBe(expected);
  });
});

test('whatever the words: those of the user are all there, in their order', () => {
  const word = fc.constantFrom(
    '-x',
    'A=1',
    ':',
    '-n',
    '2',
    'prog',
    '--export=A',
    '-genvnone',
    '--',
    '',
    '--env=x',
    '-envlist',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), fc.constantFrom(...launcherKinds), (args, kind) => {
      const result = kind.passOn?.({ args, env: both }, Object.keys(both)).args ?? args;
      let at = -1;
      for (const each of args) {
        at = result.findIndex(
          (other, i) =>
            i > at && (other === each || (each.startsWith('--export=') && other.startsWith(each))),
        );
        expect(at).toBeGreaterThan(-1);
      }
    }),
  );
});
