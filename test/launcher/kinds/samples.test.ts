// Who a rank in Node is, by the variables that launchers give it. test/languages/identity.test.ts has the same for C and Python.
import { expect, describe, test } from 'vitest';
import { hostName } from '../../../src/environment/index.js';
import { IdentityError, identify, launcherKinds } from '../../../src/launcher/kinds/index.js';
import { distFile } from '../../support/wrapper.js';
import { expectToBe, runBelow, samples, type Told } from './environments.js';

const sampleOf = (about: string) => {
  const found = samples.find((sample) => sample.about === about);
  if (found === undefined) throw new Error(`no sample "${about}"`);
  return found;
};

/** A rank that says who it is. */
const rank = `
  import { identify } from ${JSON.stringify(distFile('launcher/kinds/index.js'))};
  const { launcher, rank, size = null, localRank = null, localSize = null, node, step } = identify(process.env);
  console.log(JSON.stringify({ launcher, rank, size, localRank, localSize, node, step, trouble: false }));`;

const alone = samples.filter(({ above }) => above.length === 0);
const below = samples.filter(({ above }) => above.length > 0);

function told(env: Readonly<Record<string, string | undefined>>): Told {
  const alone = {
    launcher: '',
    rank: 0,
    size: 1,
    localRank: 0,
    localSize: 1,
    node: hostName(),
    step: '',
    trouble: false,
  };
  try {
    const identity = identify(env);
    if (identity === undefined) return alone;
    const { launcher, rank, size = null, localRank = null, localSize = null, node, step = '' } = identity;
    return { launcher, rank, size, localRank, localSize, node, step, trouble: false };
  } catch (error) {
    expect(error).toBeInstanceOf(IdentityError);
    return { ...alone, trouble: true };
  }
}

const apart = alone.filter(({ who }) => who !== null);

test.each(alone)('a rank knows who it is: $about', (sample) => {
  expectToBe(told(sample.env), sample);
});

test.each(alone.filter(({ problem }) => problem !== undefined))(
  'a complaint names the variable and its value: $about',
  ({ env, problem }) => {
    expect(() => identify(env)).toThrow(problem);
    expect(() => identify(env)).toThrow('; this process takes itself to be alone');
  },
);

test.each(apart.filter(({ who }) => who?.localSize !== 1))(
  'the other ranks of its node have the same step: $about',
  ({ env, who }) => {
    const { rank, localRank } = identify(env) ?? {};
    const by = (localRank ?? rank ?? 0) > 0 ? -1 : 1;
    const isPlace = (name: string) =>
      /(_RANK(ID)?|_PE|LOCALID|PROCID|LOCALRANKID|TASK_LOCAL_ID|PMI_ID)$/.test(name) || name === 'RANK';
    const neighbour = Object.fromEntries(
      Object.entries(env).map(([name, value = '']) => [
        name,
        isPlace(name) ? String(Math.max(0, Number(value) + by)) : value,
      ]),
    );
    expect(identify(neighbour)?.rank).toBe((who?.rank ?? 0) + by);
    expect(identify(neighbour)?.step).toBe(identify(env)?.step);
  },
);

test.each(apart)('a number that is nonsense is named, and makes the rank nobody else: $about', (sample) => {
  const kind = launcherKinds.find(({ name }) => name === sample.who?.launcher);
  for (const [name, value = ''] of Object.entries(sample.env)) {
    if (!/^\d+$/.test(value)) continue;
    try {
      expect(kind?.identify({ ...sample.env, [name]: 'x' }, 'n017').launcher).toBe(sample.who?.launcher);
    } catch (error) {
      expect(error).toBeInstanceOf(IdentityError);
      expect(String(error)).toContain(`${name}=x`);
    }
  }
});

describe('below the processes of several launchers', () => {
  test.each(below)('$about', async (sample) => {
    const { stdout, pids } = await runBelow(sample, [process.execPath, '--input-type=module', '-e', rank]);
    expect(pids).toHaveLength(sample.above.length);
    expectToBe(JSON.parse(stdout) as Told, sample, pids);
  });
});

test('brokers of Flux on one host have steps of their own, though the job and the local rank are the same', () => {
  const steps = ['0', '1'].map((broker) => {
    const { env } = sampleOf('Flux, the second of two brokers on one host');
    const folder = `/tmp/flux-Xa3bCd/jobtmp-${broker}-ƒ3ETxsR9H`;
    return identify({ ...env, FLUX_JOB_TMPDIR: folder })?.step;
  });
  expect(steps[0]).not.toBe(steps[1]);
});

test('there is a sample of each launcher', () => {
  const have = new Set(samples.map(({ who }) => who?.launcher));
  expect(launcherKinds.map(({ name }) => name).filter((name) => !have.has(name))).toEqual([]);
});
