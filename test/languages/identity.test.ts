// Which rank a process is, and where its channel is: what src/launcher/kinds and src/channel say, C and Python must say, too; else
// ranks of one job would wait for each other in different places.
import { execFileSync } from 'node:child_process';
import { basename } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { channelPath } from '../../src/channel/place/index.js';
import type { Environment } from '../../src/environment/index.js';
import { identify } from '../../src/launcher/kinds/index.js';
import { installed } from '../support/programs.js';
import { recorded } from '../launcher/kinds/environments.js';
import { compile, fixture, programs, pythonCommand, pythonEnvironment } from './ranks.js';

interface Told {
  rank: number;
  size: number;
  localRank: number;
  localSize: number;
  step: string;
  trouble: boolean;
}

const alone = { rank: 0, size: 1, localRank: 0, localSize: 1, step: '' };

/** What a rank of ours takes itself to be, as the fixtures tell it. */
function told(env: Environment): Told {
  try {
    const identity = identify(env);
    if (identity === undefined) return { ...alone, trouble: false };
    const { rank, size, localRank, localSize, step } = identity;
    if (size === undefined || localRank === undefined || localSize === undefined || step === undefined)
      return { ...alone, trouble: false };
    return { rank, size, localRank, localSize, step: withoutPids(step), trouble: false };
  } catch {
    return { ...alone, trouble: true };
  }
}

/** The processes above us and above the ranks of these tests are not the same. */
function withoutPids(step: string): string {
  return step.replace(/-\d+-\d+@/, '-PID-START@');
}

const others: { about: string; env: Environment }[] = [
  { about: 'nothing', env: {} },
  {
    about: 'the built-in launcher',
    env: {
      HWLOC_SHARE_RANK: '2',
      HWLOC_SHARE_SIZE: '3',
      HWLOC_SHARE_LOCAL_RANK: '2',
      HWLOC_SHARE_LOCAL_SIZE: '3',
      OMPI_COMM_WORLD_RANK: '0',
    },
  },
  {
    about: 'Slurm, on the fourth of four nodes',
    env: {
      SLURM_PROCID: '6',
      SLURM_STEP_NUM_TASKS: '7',
      SLURM_NTASKS: '99',
      SLURM_LOCALID: '0',
      SLURM_NODEID: '3',
      SLURM_STEP_TASKS_PER_NODE: '2(x3),1',
      SLURM_JOB_ID: '4711',
      SLURM_STEP_ID: '3',
      SLURMD_NODENAME: 'n4',
    },
  },
  { about: 'a batch script of Slurm, which is no rank', env: { SLURM_PROCID: '0', SLURM_JOB_ID: '1' } },
  { about: 'variables of Open MPI that make no sense', env: { OMPI_COMM_WORLD_RANK: 'first' } },
  {
    about: 'a layout of Slurm that has no such node',
    env: {
      SLURM_PROCID: '0',
      SLURM_STEP_NUM_TASKS: '2',
      SLURM_LOCALID: '0',
      SLURM_NODEID: '2',
      SLURM_STEP_TASKS_PER_NODE: '1(x2)',
      SLURM_JOB_ID: '1',
      SLURM_STEP_ID: '0',
    },
  },
];

const environments = [
  ...others,
  ...recorded.map(({ launcher, about, env }) => ({ about: `${launcher}, ${about}`, env })),
];

const keys = [
  'host-1-2.local@host',
  'openmpi-prterun-n017-4711@1@n017',
  'a b/c',
  '.hidden',
  'Bücher-日本-🦊',
  'k'.repeat(120),
  'k'.repeat(121),
  `${'long-'.repeat(60)}end`,
  '..',
];

installed(...programs).describe('ranks in other languages know', () => {
  let commands: Record<'c' | 'python', [string, ...string[]]>;
  beforeAll(() => {
    commands = {
      c: [compile(fixture('identity.c'))],
      python: [pythonCommand(), fixture('identity.py')],
    };
  });

  function run(language: 'c' | 'python', env: Environment, args: readonly string[] = []): string {
    const [file, ...rest] = commands[language];
    const options = { env: { ...pythonEnvironment, ...env }, encoding: 'utf8' } as const;
    return execFileSync(file, [...rest, ...args], options);
  }

  describe.each(['c', 'python'] as const)('in %s', (language) => {
    test.each(environments)('who they are: $about', ({ env }) => {
      const its = JSON.parse(run(language, env)) as Told;
      expect({ ...its, step: withoutPids(its.step) }).toEqual(told(env));
    });

    test('where they meet, whatever the launcher calls its jobs', () => {
      const names = run(language, { PYTHONUTF8: '1' }, keys).trimEnd().split('\n');
      expect(names).toEqual(keys.map((key) => basename(channelPath('/root', key))));
    });
  });
});
