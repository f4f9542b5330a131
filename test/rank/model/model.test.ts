// The real state machines of ranks in a model of a node, one system call at a time. Small jobs: every interleaving. Bigger ones: ways by
// chance. Nobody hangs; nobody adopts what is not complete; nobody publishes or writes who does not lead; a barrier opens for all that
// have come, and claims no others; no gate is left without its successor (world.ts).
import { describe, expect, it } from 'vitest';
import { explore, wander } from './explore.js';
import type { Scenario } from './world.js';

const plain: Scenario = {
  ranks: 2,
  deaths: 0,
  busy: 0,
  absent: [],
  barriers: 0,
  isSizeTold: true,
  stops: false,
};

const small: Record<string, Partial<Scenario>> = {
  'two ranks': {},
  'either may die': { deaths: 1 },
  'both may die': { deaths: 2 },
  'a range is taken, and one may die': { busy: 1, deaths: 1 },
  'local rank 0 may never come': { absent: [0] },
  'a member may never come, the other may die': { absent: [1], deaths: 1, barriers: 1 },
  'two barriers, and both may die': { barriers: 2, deaths: 2 },
  'a barrier, a range that is taken, and both may die': { barriers: 1, busy: 1, deaths: 2 },
  'the launcher tells no number of ranks': { isSizeTold: false, barriers: 1, deaths: 1 },
  'they may be stopped': { stops: true },
  'one may be stopped, one may die': { stops: true, deaths: 1 },
  'a barrier, and they may be stopped': { stops: true, barriers: 1 },
};

describe('every interleaving of a job of two ranks', () => {
  it.each(Object.entries(small))('%s', { timeout: 120_000 }, (name, changes) => {
    const { states, ends, fault } = explore({ ...plain, ...changes });
    console.log(`${name}: ${states} states, ${ends} ends`);
    expect(fault?.what).toBeUndefined();
  });
});

const ways = Number(process.env.MODEL_WAYS ?? 300);
const seed = Number(process.env.MODEL_SEED ?? Date.now() % 1_000_000);

const bigger: Record<string, Partial<Scenario>> = {
  'three ranks, of which two may die': { ranks: 3, deaths: 2 },
  'three ranks, two barriers, a death, a range that is taken': { ranks: 3, barriers: 2, deaths: 1, busy: 1 },
  'three ranks that may be stopped, one may die': { ranks: 3, stops: true, deaths: 1, barriers: 1 },
  'four ranks, of which two may die and one may never come': {
    ranks: 4,
    deaths: 2,
    absent: [2],
    barriers: 1,
  },
  'four ranks without a number': { ranks: 4, isSizeTold: false, deaths: 1, barriers: 1 },
  'four ranks that may be stopped, and find ranges taken': { ranks: 4, stops: true, busy: 3 },
};

describe(`${ways} ways through bigger jobs (MODEL_SEED=${seed})`, () => {
  it.each(Object.entries(bigger))('%s', { timeout: 120_000 }, (name, changes) => {
    const { states, ends, fault } = wander({ ...plain, ...changes }, ways, seed);
    console.log(`${name}: ${states} states, ${ends} ends (seed ${seed})`);
    expect(fault?.what).toBeUndefined();
  });
});
