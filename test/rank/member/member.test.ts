// What a member decides, step by step, with a clock of the test's own.
import { describe, expect, test } from 'vitest';
import { arrive, comeToBarrier, member } from '../../../src/rank/member/member.js';
import type { Rules } from '../../../src/rank/meeting/steps.js';
import { type Turn, done, drive, led, nobodyLeads, planned, released, round, rules } from '../machine.js';

const member0: Rules = { ...rules, local: 0, leadsAtOnce: true };
const joins = (turns: readonly Turn[], ruled: Rules = rules) => drive(member, arrive(0), turns, ruled).ask;

const greeted: Turn[] = [
  [{ ask: 'read' }, round({ verb: 'lead', number: 0, leader: 0 })],
  [{ ask: 'say', say: { verb: 'hello' }, round: 0 }, done],
  [{ ask: 'open', gate: 1 }, done],
];
const toldPlan: Turn[] = [...greeted, [{ ask: 'read' }, round(planned)]];

describe('a member joins', () => {
  test('it says hello, reserves, adopts and says that it is done', () => {
    expect(
      joins([
        ...toldPlan,
        [{ ask: 'reserve' }, done],
        [{ ask: 'say', say: { verb: 'reserved' }, round: 1 }, done],
        [{ ask: 'open', gate: 2 }, done],
        [{ ask: 'read' }, round(planned)],
        [{ ask: 'led' }, led()],
        [{ ask: 'wait', until: 250 }, { is: 'end' }],
        [{ ask: 'read' }, round(released)],
        [{ ask: 'adopt' }, done],
        [{ ask: 'say', say: { verb: 'done', how: 'adopted' }, round: 2 }, done],
      ]),
    ).toEqual({ ask: 'end', end: { kind: 'joined' } });
  });

  test('it comes late: it adopts at once', () => {
    expect(
      joins([
        [{ ask: 'read' }, round(released)],
        [{ ask: 'adopt' }, done],
      ]),
    ).toMatchObject({ ask: 'say', say: { verb: 'done' } });
  });

  test('it finds a plan: it says hello, and answers', () => {
    expect(
      joins([
        [{ ask: 'read' }, round(planned)],
        [{ ask: 'say', say: { verb: 'hello' } }, done],
        [{ ask: 'reserve' }, { is: 'busy' }],
      ]),
    ).toMatchObject({ ask: 'say', say: { verb: 'busy' }, round: 1 });
  });

  test('it cannot reserve: it declines, and takes the XML of the release', () => {
    const xml = { base: 0, thisSystem: true };
    expect(
      joins([
        ...toldPlan,
        [{ ask: 'reserve' }, { is: 'refused', reason: 'ENOMEM', wantsXml: true }],
        [{ ask: 'say', say: { verb: 'declined', reason: 'ENOMEM', wantsXml: true } }, done],
        [{ ask: 'open' }, done],
        [{ ask: 'read' }, round({ ...released, xml })],
      ]),
    ).toEqual({ ask: 'fallback', reason: 'ENOMEM', xml });
  });

  test('it asks for another topology: it discovers that, whatever XML there is', () => {
    expect(
      joins([
        ...toldPlan,
        [{ ask: 'reserve' }, { is: 'refused', reason: 'another', wantsXml: false }],
        [{ ask: 'say', say: { verb: 'declined', wantsXml: false } }, done],
        [{ ask: 'open' }, done],
        [{ ask: 'read' }, round({ ...released, xml: { base: 0, thisSystem: true } })],
      ]),
    ).toEqual({ ask: 'fallback', reason: 'another', xml: undefined });
  });

  test('its range is taken at last: it asks for XML, and waits a second for it', () => {
    expect(
      joins([
        [{ ask: 'read' }, round(released)],
        [{ ask: 'adopt' }, { is: 'refused', reason: 'taken', wantsXml: true }],
        [{ ask: 'say', say: { verb: 'failed', reason: 'taken' } }, done],
        [{ ask: 'open', gate: 3 }, done],
        [{ ask: 'read' }, round(released)],
        [{ ask: 'led' }, led(), 999],
        [{ ask: 'wait' }, { is: 'time' }, 1000],
        [{ ask: 'read' }, round(released)],
        [{ ask: 'led' }, led(), 1000],
      ]),
    ).toEqual({ ask: 'fallback', reason: 'taken', xml: undefined });
  });
});

describe('who leads', () => {
  test('local rank 0 tries at once', () => {
    expect(
      joins(
        [
          [{ ask: 'read' }, round(undefined)],
          [{ ask: 'lead' }, { is: 'yes' }],
        ],
        member0,
      ),
    ).toEqual({ ask: 'end', end: { kind: 'leads' } });
  });

  const waits: Turn[] = [
    [{ ask: 'read' }, round(undefined)],
    [{ ask: 'say', say: { verb: 'hello' } }, done],
    [{ ask: 'open', gate: 1 }, done],
    [{ ask: 'read' }, round(undefined)],
  ];

  test('others do when they have waited for a while', () => {
    expect(
      joins([
        ...waits,
        [{ ask: 'led' }, nobodyLeads(false), 900],
        [{ ask: 'wait', until: 1000 }, { is: 'time' }, 1000],
        [{ ask: 'read' }, round(undefined)],
        [{ ask: 'led' }, nobodyLeads(false), 1000],
      ]),
    ).toEqual({ ask: 'lead' });
  });

  test('or when local rank 0 was there and has gone', () => {
    expect(
      joins([
        ...waits,
        [{ ask: 'led' }, nobodyLeads(true), 10],
        [{ ask: 'wait' }, { is: 'time' }, 260],
        [{ ask: 'read' }, round(undefined)],
        [{ ask: 'led' }, nobodyLeads(false), 260],
      ]),
    ).toEqual({ ask: 'lead' });
  });

  test('the gate ends without news: the leader has died', () => {
    expect(
      joins([
        ...greeted,
        [{ ask: 'read' }, round({ verb: 'lead', number: 0, leader: 0 })],
        [{ ask: 'led' }, led()],
        [{ ask: 'wait' }, { is: 'end' }],
        [{ ask: 'read' }, round({ verb: 'lead', number: 0, leader: 0 })],
        [{ ask: 'lead' }, { is: 'no' }],
      ]),
    ).toEqual({ ask: 'open', gate: 1 });
  });

  test('a leader that is silent for longer than the timeout is given up', () => {
    const ask = joins([
      ...toldPlan,
      [{ ask: 'reserve' }, done],
      [{ ask: 'say' }, done],
      [{ ask: 'open' }, done],
      [{ ask: 'read' }, round(planned)],
      [{ ask: 'led' }, led(30_000), 29_999],
      [{ ask: 'wait' }, { is: 'time' }, 30_000],
      [{ ask: 'read' }, round(planned)],
      [{ ask: 'led' }, led(30_000), 30_000],
    ]);
    expect(ask).toMatchObject({
      ask: 'fallback',
      reason: 'the leader was silent for 30 s (HWLOC_SHARE_TIMEOUT)',
    });
  });

  test('where the lobby is full and nobody reads it, it says hello again when somebody leads', () => {
    expect(
      joins([
        [{ ask: 'read' }, round(undefined)],
        [{ ask: 'say', say: { verb: 'hello' } }, { is: 'time' }, 500],
        [{ ask: 'open', gate: 1 }, done],
        [{ ask: 'read' }, round(undefined)],
        [{ ask: 'led' }, nobodyLeads(false), 500],
        [{ ask: 'wait', until: 750 }, { is: 'time' }, 750],
        [{ ask: 'read' }, round({ verb: 'lead', number: 0, leader: 2 })],
        [{ ask: 'led' }, led(), 750],
      ]),
    ).toMatchObject({ ask: 'say', say: { verb: 'hello' } });
  });

  test('a visitor says nothing, and adopts', () => {
    expect(
      joins(
        [
          [{ ask: 'read' }, round(planned)],
          [{ ask: 'open', gate: 2 }, done],
          [{ ask: 'read' }, round(released)],
          [{ ask: 'adopt' }, done],
        ],
        { ...rules, isVisitor: true },
      ),
    ).toEqual({ ask: 'end', end: { kind: 'joined' } });
  });
});

describe('at a barrier', () => {
  const comes = (turns: readonly Turn[]) => drive(member, comeToBarrier(2, 0), turns).ask;
  const passed = (number: number, all = false) =>
    round({ ...released, number: number + 2, passed: number, all });

  test('it says so, and waits until the leader has counted it', () => {
    expect(
      comes([
        [{ ask: 'read' }, passed(1)],
        [{ ask: 'say', say: { verb: 'barrier', number: 2 }, round: 3 }, done],
        [{ ask: 'open', gate: 4 }, done],
        [{ ask: 'read' }, passed(2, true)],
      ]),
    ).toEqual({ ask: 'end', end: { kind: 'passed', all: true } });
  });

  test('it has come too late', () => {
    expect(comes([[{ ask: 'read' }, passed(4)]])).toMatchObject({
      ask: 'end',
      end: { kind: 'alone', passed: 4 },
    });
  });

  test('the leader has left: it leads', () => {
    expect(
      comes([
        [{ ask: 'read' }, passed(1)],
        [{ ask: 'say' }, done],
        [{ ask: 'open' }, done],
        [{ ask: 'read' }, passed(1)],
        [{ ask: 'led' }, nobodyLeads(false)],
        [{ ask: 'lead' }, { is: 'yes' }],
      ]),
    ).toEqual({ ask: 'end', end: { kind: 'leads' } });
  });
});
