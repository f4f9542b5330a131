// What a leader decides, step by step, with a clock of the test's own.
import { describe, expect, test } from 'vitest';
import { lead, leader } from '../../../src/rank/leader/leader.js';
import type { Answer, Heard, Rules } from '../../../src/rank/meeting/steps.js';
import {
  type Turn,
  done,
  drive,
  heard,
  plan,
  planned,
  released,
  round,
  rules as members,
} from '../machine.js';

const rules: Rules = { ...members, local: 0, leadsAtOnce: true };
const leads = (turns: readonly Turn[], ruled: Rules = rules) => drive(leader, lead(ruled, 0), turns, ruled);
const hello = (local: number, of = 0): Heard => ({ verb: 'hello', local, round: of });
const reserved = (local: number, of = 1): Heard => ({ verb: 'reserved', local, round: of });
const there = (...ranks: number[]): Answer => ({ is: 'there', ranks });
const loaded: Answer = { is: 'heard', lines: [], loading: { failed: undefined } };

const began: Turn[] = [
  [{ ask: 'read' }, round(undefined)],
  [{ ask: 'publish', round: { verb: 'lead', number: 0, leader: 0 } }, done],
  [{ ask: 'hold', gate: 1 }, done],
  [{ ask: 'load' }, done],
];
const gathered: Turn[] = [
  ...began,
  [{ ask: 'hear', until: 20 }, heard(hello(1), hello(2))],
  [{ ask: 'hear' }, loaded],
  [
    { ask: 'choose', number: 1 },
    { is: 'plan', plan },
  ],
  [{ ask: 'hold', gate: 2 }, done],
  [{ ask: 'publish', round: { verb: 'plan', number: 1, plan } }, done],
  [{ ask: 'close', gate: 1 }, done],
  [{ ask: 'write' }, done],
];
const agreed: Turn[] = [...gathered, [{ ask: 'hear' }, heard(reserved(1), reserved(2))]];
const published = (verb: string, gate = 3): Turn[] => [
  [{ ask: 'hold', gate }, done],
  [{ ask: 'publish', round: { verb } }, done],
  [{ ask: 'close', gate: gate - 1 }, done],
];
const joined: Turn[] = [
  ...agreed,
  ...published('release'),
  [{ ask: 'adopt' }, done],
  [{ ask: 'joined', reason: undefined }, done],
];

describe('a leader gathers', () => {
  test('it plans when all have said hello and it has loaded; it releases when all have reserved', () => {
    expect(leads(joined).ask).toEqual({ ask: 'hear', until: Infinity });
  });

  test('it looks after those that it waits for after 20 ms, and then ten times a second', () => {
    const { ask } = leads([
      ...began,
      [{ ask: 'hear', until: 20 }, heard(), 20],
      [{ ask: 'look', among: [1, 2] }, there(1, 2), 20],
    ]);
    expect(ask).toEqual({ ask: 'hear', until: 120 });
  });

  test('a rank that was there and has gone is not waited for', () => {
    const { ask } = leads([
      ...began,
      [{ ask: 'hear' }, heard(hello(1)), 10],
      [{ ask: 'hear' }, loaded, 20],
      [{ ask: 'look', among: [2] }, there(2), 20],
      [{ ask: 'hear' }, heard(), 120],
      [{ ask: 'look', among: [2] }, there(), 120],
    ]);
    expect(ask).toEqual({ ask: 'choose', number: 1 });
  });

  const oneCame: Turn[] = [...began, [{ ask: 'hear' }, heard(hello(1)), 10], [{ ask: 'hear' }, loaded, 20]];

  test('a rank that does not come is waited for a while', () => {
    const looks: Turn[] = Array.from({ length: 10 }, (_, i): Turn[] => [
      [{ ask: 'look', among: [2] }, there(), 20 + 100 * i],
      [{ ask: 'hear', until: 120 + 100 * i }, heard(), 120 + 100 * i],
    ]).flat();
    const before = leads([...oneCame, ...looks.slice(0, -2)]);
    expect(before.ask).toMatchObject({ ask: 'look' });
    expect(leads([...oneCame, ...looks]).ask).toEqual({ ask: 'choose', number: 1 });
  });

  test('a rank that is there and silent is waited for until the timeout', () => {
    const { ask } = leads([
      ...oneCame,
      [{ ask: 'look', among: [2] }, there(2), 20],
      [{ ask: 'hear' }, heard(), 29_000],
      [{ ask: 'look', among: [2] }, there(2), 29_000],
      [{ ask: 'hear' }, heard(), 30_020],
    ]);
    expect(ask).toEqual({ ask: 'choose', number: 1 });
  });

  test('answers to an earlier round do not count', () => {
    const { ask } = leads([...gathered, [{ ask: 'hear' }, heard(reserved(1, 0), reserved(2))]]);
    expect(ask).toMatchObject({ ask: 'hear' });
  });
});

describe('a leader plans anew', () => {
  test('where a range is busy, five times at most; then that rank gets XML', () => {
    const turns: Turn[] = [];
    for (let number = 1; number <= 5; number++) {
      turns.push(
        [
          { ask: 'choose', number },
          { is: 'plan', plan: { ...plan, number } },
        ],
        ...published('plan', number + 1),
        [{ ask: 'write' }, done],
        [{ ask: 'hear' }, heard({ verb: 'busy', local: 1, round: number }, reserved(2, number))],
      );
    }
    const { ask, state } = leads([
      ...gathered.slice(0, -5),
      ...turns,
      [{ ask: 'xml' }, { is: 'xml', xml: { base: 0, thisSystem: true } }],
      [{ ask: 'hold', gate: 7 }, done],
    ]);
    expect(ask).toMatchObject({ ask: 'publish', round: { verb: 'release', xml: { base: 0 } } });
    expect(state.plans).toBe(5);
  });

  test('a discovery that fails leaves everybody the fallback', () => {
    const { ask } = leads([
      ...began,
      [{ ask: 'hear' }, { is: 'heard', lines: [hello(1), hello(2)], loading: { failed: 'no memory' } }],
      [{ ask: 'hold', gate: 2 }, done],
    ]);
    expect(ask).toMatchObject({ ask: 'publish', round: { verb: 'fallback', reason: 'no memory' } });
  });
});

describe('a leader that takes over', () => {
  test('says anew, and does not wait for the dead one', () => {
    const { ask } = leads(
      [
        [{ ask: 'read' }, round(planned)],
        [{ ask: 'hold', gate: 2 }, done],
        [{ ask: 'discard', plan: 1 }, done],
        [{ ask: 'hold', gate: 3 }, done],
        [{ ask: 'publish', round: { verb: 'anew', number: 2, leader: 1, deaths: 1 } }, done],
        [{ ask: 'close', gate: 2 }, done],
        [{ ask: 'load' }, done],
        [{ ask: 'hear' }, { is: 'heard', lines: [hello(2, 2)], loading: { failed: undefined } }],
        [{ ask: 'look', among: undefined }, there(2)],
      ],
      { ...rules, local: 1 },
    );
    expect(ask).toEqual({ ask: 'choose', number: 3 });
  });

  test('does not wait for ranks that have gone, where the leader before had gathered', () => {
    const { ask } = leads(
      [
        [{ ask: 'read' }, round(planned)],
        [{ ask: 'hold', gate: 2 }, done],
        [{ ask: 'discard', plan: 1 }, done],
        [{ ask: 'hold', gate: 3 }, done],
        [{ ask: 'publish', round: { verb: 'anew' } }, done],
        [{ ask: 'close', gate: 2 }, done],
        [{ ask: 'load' }, done],
        [{ ask: 'hear' }, loaded, 15],
        [{ ask: 'look', among: undefined }, there(), 15],
      ],
      { ...rules, local: 1 },
    );
    expect(ask).toEqual({ ask: 'choose', number: 3 });
  });

  test('after two deaths in one join, all take the fallback', () => {
    const { ask } = leads([
      [{ ask: 'read' }, round({ verb: 'anew', number: 2, leader: 1, deaths: 1 })],
      [{ ask: 'hold', gate: 3 }, done],
      // It may have written for the plan that would have come next.
      [{ ask: 'discard', plan: 3 }, done],
      [{ ask: 'hold', gate: 4 }, done],
    ]);
    expect(ask).toMatchObject({
      ask: 'publish',
      round: { verb: 'fallback', reason: '2 leaders died in this join' },
    });
  });

  test('keeps what was released', () => {
    const { ask } = leads([
      [{ ask: 'read' }, round(released)],
      [{ ask: 'hold', gate: 3 }, done],
      [{ ask: 'hold', gate: 4 }, done],
      [{ ask: 'publish', round: { ...released, number: 3 } }, done],
      [{ ask: 'close', gate: 3 }, done],
    ]);
    expect(ask).toMatchObject({ ask: 'adopt' });
  });
});

describe('after the join', () => {
  const saysDone = (local: number): Heard => ({ verb: 'done', local, round: 2, how: 'adopted' });
  const allDone: Turn = [{ ask: 'hear' }, heard(saysDone(1), saysDone(2))];

  test('the name of the file goes when all are done', () => {
    expect(leads([...joined, allDone]).ask).toEqual({ ask: 'discard', plan: 1 });
  });

  test('it stays where programs that ranks start are told of it', () => {
    expect(leads([...joined, allDone], { ...rules, keepsFile: true }).ask).toMatchObject({ ask: 'hear' });
  });

  test('a barrier opens when all who are there have come to it', () => {
    const came = (local: number): Heard => ({ verb: 'barrier', local, round: 2, number: 1 });
    const { ask } = leads([
      ...joined,
      [{ ask: 'hear' }, { is: 'heard', lines: [came(1)], barrier: 1 }, 10],
      [{ ask: 'hear' }, heard(came(2)), 15],
      [{ ask: 'look', among: undefined }, there(1, 2), 15],
      [{ ask: 'hold', gate: 4 }, done],
      [{ ask: 'publish', round: { verb: 'release', passed: 1, all: true } }, done],
      [{ ask: 'close', gate: 3 }, done],
    ]);
    expect(ask).toEqual({ ask: 'opened', all: true });
  });

  test('a rank that could not adopt gets XML, also if the leader has come to its barrier', () => {
    const failed: Heard = { verb: 'failed', local: 2, round: 2, reason: 'taken' };
    const { ask } = leads([
      ...joined,
      [{ ask: 'hear' }, { is: 'heard', lines: [failed], barrier: 1 }, 10],
      [{ ask: 'xml' }, { is: 'xml', xml: { base: 0, thisSystem: true } }, 10],
      [{ ask: 'hold', gate: 4 }, done],
      [{ ask: 'publish', round: { verb: 'release', passed: 0, xml: { base: 0 } } }, done],
      [{ ask: 'close', gate: 3 }, done],
    ]);
    expect(ask).toMatchObject({ ask: 'hear' });
  });

  test('a barrier without a rank that has died does not claim all', () => {
    const came = (local: number): Heard => ({ verb: 'barrier', local, round: 2, number: 1 });
    const { ask } = leads([
      ...joined,
      [{ ask: 'hear' }, { is: 'heard', lines: [came(1)], barrier: 1 }, 200],
      [{ ask: 'look', among: [2] }, there(), 200],
      [{ ask: 'look', among: undefined }, there(1), 200],
      [{ ask: 'hold', gate: 4 }, done],
    ]);
    expect(ask).toMatchObject({ ask: 'publish', round: { passed: 1, all: false } });
  });
});
