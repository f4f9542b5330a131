// Which rank a process is, and where its channel is: what src/launcher/kinds and src/channel say, C and Python must say, too; else
// ranks of one job would wait for each other in different places.
import { execFileSync } from 'node:child_process';
import { basename } from 'node:path';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { channelPath } from '../../src/channel/place/index.js';
import { type Environment, hostName } from '../../src/environment/index.js';
import { identify } from '../../src/launcher/kinds/index.js';
import { installed } from '../support/programs.js';
import { type Told, expectToBe, runBelow, samples } from '../launcher/kinds/environments.js';
import { compile, fixture, programs, pythonCommand, pythonEnvironment } from './ranks.js';

/** What a rank in Node takes itself to be, as the fixtures tell it. */
function toldInNode(env: Environment): Told {
  const alone = { launcher: '', rank: 0, size: 1, localRank: 0, localSize: 1, node: hostName(), step: '' };
  try {
    const identity = identify(env);
    if (identity === undefined) return { ...alone, trouble: false };
    const { launcher, rank, size = null, localRank = null, localSize = null, node, step = '' } = identity;
    return { launcher, rank, size, localRank, localSize, node, step: withoutPids(step), trouble: false };
  } catch {
    return { ...alone, trouble: true };
  }
}

/** The processes above us and above the ranks of these tests are not the same. */
function withoutPids(step: string): string {
  return step.replace(/-\d+-\d+@/, '-PID-START@').replace(/^openmpi-\d+@/, 'openmpi-PID@');
}

const keys = [
  'host-1-2.local@host',
  'openmpi-prterun-n017-4711@1@n017',
  'flux-ƒ3ETxsR9H-/tmp/flux-Xa3bCd/jobtmp-0-ƒ3ETxsR9H@n017',
  'a b/c',
  '.hidden',
  'Bücher-日本-🦊',
  'k'.repeat(120),
  'k'.repeat(121),
  `${'long-'.repeat(60)}end`,
  '..',
];

/** Variables of the samples, mixed: of several launchers, some missing, some nonsense. */
const mixtures = fc
  .tuple(
    fc.array(fc.constantFrom(...samples.map(({ env }) => env)), { minLength: 1, maxLength: 3 }),
    fc.array(fc.nat()),
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.constantFrom(
          '',
          'x',
          '0',
          '3',
          '007',
          '-1',
          '4294967290',
          '2147483647',
          '1(x2),3',
          '2(x0),+1',
          '1(x2',
          'ƒ1',
        ),
      ),
      { maxLength: 4 },
    ),
  )
  .map(([parts, missing, changes]) => {
    const env: Record<string, string | undefined> = {};
    for (const part of parts) Object.assign(env, part);
    const names = Object.keys(env);
    for (const at of missing) if (at % 8 === 0) Reflect.deleteProperty(env, names[at % names.length] ?? '');
    for (const [at, value] of changes) {
      const name = names[at % names.length];
      if (name !== undefined && name in env) env[name] = value;
    }
    return env;
  });

installed(...programs).describe('ranks in other languages know', () => {
  let commands: Record<'c' | 'python', [string, ...string[]]>;
  beforeAll(() => {
    commands = {
      c: [compile(fixture('identity.c'), [], [])],
      python: [pythonCommand(), fixture('identity.py')],
    };
  });
  const always = { ...pythonEnvironment, PYTHONUTF8: '1' };

  describe.each(['c', 'python'] as const)('in %s', (language) => {
    /** What it says to each of these environments. */
    const tellAll = (environments: readonly Environment[]) => {
      const variable = ([name, value = '']: [string, string | undefined]) => `${name}=${value}\0`;
      const input = environments.map((env) => `${Object.entries(env).map(variable).join('')}\0`).join('');
      const [file, ...args] = commands[language];
      const output = execFileSync(file, [...args, '-'], { input, env: always, encoding: 'utf8' });
      const lines = output.trimEnd().split('\n');
      expect(lines).toHaveLength(environments.length);
      return lines.map((line) => JSON.parse(line) as Told);
    };

    test('who they are, under each launcher', () => {
      const alone = samples.filter(({ above }) => above.length === 0);
      const told = tellAll(alone.map(({ env }) => env));
      for (const [i, sample] of alone.entries()) expectToBe(told[i], sample);
    });

    test.each(samples.filter(({ above }) => above.length > 0))(
      'who they are below several: $about',
      async (sample) => {
        const env = { ...always, ...sample.env };
        const { stdout, pids } = await runBelow({ ...sample, env }, commands[language]);
        expectToBe(JSON.parse(stdout) as Told, sample, pids);
      },
    );

    test('the same as a rank in Node, whatever the variables are', () => {
      const environments = fc.sample(mixtures, 2000);
      for (const [i, its] of tellAll(environments).entries()) {
        const env = environments[i] ?? {};
        expect({ env, ...its, step: withoutPids(its.step) }).toEqual({ env, ...toldInNode(env) });
      }
    });

    test('where they meet, whatever the launcher calls its jobs', () => {
      const [file, ...args] = commands[language];
      const names = execFileSync(file, [...args, ...keys], { env: always, encoding: 'utf8' })
        .trimEnd()
        .split('\n');
      expect(names).toEqual(keys.map((key) => basename(channelPath('/root', key))));
    });
  });
});
