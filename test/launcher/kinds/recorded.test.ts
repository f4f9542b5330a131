// Who a rank is under launchers that cannot be installed here: environments from their documentation and sources.
import { describe, expect, test } from 'vitest';
import { IdentityError, identify, launcherKinds } from '../../../src/launcher/kinds/index.js';
import { recorded } from './environments.js';

describe.each(recorded)('$launcher: $about', ({ launcher, env, who }) => {
  const { step, ...places } = who;

  test('tells a rank who it is', () => {
    const identity = identify(env);
    expect(identity).toMatchObject({ launcher, ...places });
    expect(identity?.step).toMatch(step);
  });

  test('and tells the others of its node the same step', () => {
    const others = ['RANK', 'LOCAL_RANK'];
    const plusOne = Object.fromEntries(
      Object.entries(env).map(([name, value = '']) => {
        const isPlace = /(RANK(ID)?|_PE|LOCALID|PROCID|LOCAL_ID|PMI_ID)$/.test(name) || others.includes(name);
        return [name, isPlace ? String(Number(value) + 1) : value];
      }),
    );
    expect(identify(plusOne)?.rank).toBe(who.rank + 1);
    expect(identify(plusOne)?.step).toBe(identify(env)?.step);
  });

  test('is not mistaken for another when a number of it is nonsense', () => {
    const kind = launcherKinds.find(({ name }) => name === launcher);
    const numbers = Object.keys(env).filter((name) => /^\d+$/.test(env[name] ?? ''));
    for (const name of numbers) {
      const spoiled = { ...env, [name]: 'x' };
      try {
        expect(kind?.identify(spoiled, 'n017')?.launcher).toBe(launcher);
      } catch (error) {
        expect(error).toBeInstanceOf(IdentityError);
        expect(String(error)).toContain(`${name}=x`);
      }
    }
  });
});

test('every launcher of the table but the built-in one has been recorded, here or in identify.test.ts', () => {
  const have = new Set(recorded.map(({ launcher }) => launcher));
  expect(launcherKinds.map(({ name }) => name).filter((name) => !have.has(name))).toEqual(['local']);
});
