import { describe, expect, it } from 'vitest';
import { explore } from './explore.js';
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

const scenarios: Record<string, Scenario> = {
  'two ranks': plain,
  'two ranks that may be stopped': { ...plain, stops: true },
};

describe('every interleaving of a small job', () => {
  it.each(Object.entries(scenarios))(
    '%s: nobody hangs, nobody adopts what is not complete',
    (name, scenario) => {
      const { states, ends, fault } = explore(scenario);
      console.log(`${name}: ${states} states, ${ends} ends`);
      expect(fault).toBeUndefined();
    },
  );
});
