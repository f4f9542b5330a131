// Drives a rank's state machine by hand: each turn says which step it must ask for, what comes of that, and when.
import { expect } from 'vitest';
import type { Plan, Release, Round } from '../../src/channel/index.js';
import {
  type Answer,
  type Ask,
  type Heard,
  type Next,
  type Rules,
  pace,
} from '../../src/rank/meeting/steps.js';

export const rules: Rules = {
  local: 1,
  isVisitor: false,
  leadsAtOnce: false,
  expected: 3,
  most: 3,
  arrived: 0,
  patience: 1000,
  timeout: 30_000,
  keepsFile: false,
  pace,
};

export const plan: Plan = {
  number: 1,
  at: 0x4000_0000_0000,
  bytes: 65_536,
  offset: 0,
  abi: 0x20400,
  base: undefined,
  shape: undefined,
};

export const planned: Round = { verb: 'plan', number: 1, leader: 0, deaths: 0, plan };
export const released: Release = {
  verb: 'release',
  number: 2,
  passed: 0,
  all: false,
  plan,
  xml: undefined,
};

export const done: Answer = { is: 'done' };
export const round = (found: Round | undefined): Answer => ({ is: 'round', round: found });
export const heard = (...lines: Heard[]): Answer => ({ is: 'heard', lines });
export const led = (silent = 0): Answer => ({ is: 'led', led: true, zero: true, silent });
export const nobodyLeads = (zero: boolean): Answer => ({ is: 'led', led: false, zero, silent: Infinity });

/** What a machine must ask for (a part of it is enough), what comes of that, and the time then. */
export type Turn = readonly [ask: Partial<Ask> | Record<string, unknown>, answer: Answer, now?: number];

/** Runs a machine through some turns. @returns what it asks for after them */
export function drive<State>(
  machine: (rules: Rules, state: State, answer: Answer, now: number) => Next<State>,
  first: Next<State>,
  turns: readonly Turn[],
  ruled: Rules = rules,
): Next<State> {
  let next = first;
  let time = 0;
  for (const [ask, answer, now = time] of turns) {
    expect(next.ask).toMatchObject(ask);
    time = now;
    next = machine(ruled, next.state, answer, now);
  }
  return next;
}
