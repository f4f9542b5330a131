// The line protocol and the maps parser under a fuzzer, for a bounded time: whatever comes, the answer is a message or an error
// of ours that names the line, and a peer that was misunderstood is gone. FAULTS_FUZZ_MS sets the time of each.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  LineSplitter,
  ProtocolError,
  formatMessage,
  formatRound,
  maxLineBytes,
  parseMessage,
  parseRound,
} from '../../src/channel/index.js';
import { MapsFormatError, parseMaps } from '../../src/maps/index.js';
import { leader, lead } from '../../src/rank/leader/leader.js';
import { reportedByRanks } from '../../src/rank/leader/reported.js';
import { type Answer, type Heard, type Rules, pace } from '../../src/rank/meeting/steps.js';

const limit = Number(process.env.FAULTS_FUZZ_MS ?? 3000);
const within = { interruptAfterTimeLimit: limit, numRuns: 1_000_000, markInterruptAsFailure: false };
const timeout = limit + 20_000;

const valid = [
  'hello local=1 round=0 rank=1 abi=20400 cpus=0-3,8 mems=0 heap=55d0c2e9f000 stack=7ffd3c1e2000 55d0c0a4e000-55d0c0a50000 55d0c2e7e000-55d0c2e9f000',
  'hello local=1 round=0 rank=1 abi=20400 more=1 1000-2000',
  'ranges local=1 round=0 55d0c0a4e000-55d0c0a50000',
  'reserved local=1 round=1',
  'busy local=1 round=1 1000-2000',
  'declined local=1 round=1 xml=1 reason=no%20room',
  'failed local=1 round=2 reason=EBUSY',
  'done local=1 round=2 how=adopted',
  'barrier local=1 round=2 number=1',
];
const validRounds = [
  'lead round=0 leader=0',
  'anew round=3 leader=2 deaths=1',
  'plan round=1 leader=0 at=41a200000000 bytes=cd000 abi=20400 offset=1000 base=3 shape=00dead step=beef00',
  'release round=2 passed=0 plan=1 at=41a200000000 bytes=cd000 abi=20400',
  'release round=9 passed=4 all=1 xml=0 thissystem=1 plan=1 at=41a200000000 bytes=cd000 abi=20400',
  'fallback round=2 passed=0 reason=no%20room',
];

/** A valid line, and the same with something cut out, put in or repeated; or anything at all. */
const line = fc.oneof(
  fc.constantFrom(...valid, ...validRounds),
  fc
    .tuple(
      fc.constantFrom(...valid, ...validRounds),
      fc.nat(200),
      fc.nat(20),
      fc.string({ unit: 'binary', maxLength: 20 }),
    )
    .map(([text, at, length, insert]) => {
      const start = at % (text.length + 1);
      return text.slice(0, start) + insert + text.slice(start + length);
    }),
  fc
    .tuple(fc.constantFrom(...valid, ...validRounds), fc.nat(300))
    .map(([text, times]) => `${text} `.repeat(times)),
  fc.string({ unit: 'binary', maxLength: 300 }),
);

test('a line of the lobby is understood or refused with an error that names it', { timeout }, () => {
  checkReading(parseMessage, formatMessage);
});

test('a round is understood or refused with an error that names it', { timeout }, () => {
  checkReading(parseRound, formatRound);
});

/** What was understood can be said again, and is understood as the same. */
function checkReading<Read>(parse: (text: string) => Read | undefined, format: (read: Read) => string): void {
  fc.assert(
    fc.property(line, (text) => {
      try {
        const read = parse(text);
        if (read !== undefined) expect(parse(format(read))).toEqual(read);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        expect((error as Error).message.length).toBeLessThan(1000);
      }
    }),
    within,
  );
}

test('the maps of a process are understood or refused', { timeout }, () => {
  const mapsLine = fc.oneof(
    fc.constant('7f3a1c000000-7f3a1c021000 rw-p 00000000 00:00 0 [heap]'),
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc
      .tuple(fc.bigInt({ min: 0n, max: 2n ** 64n }), fc.bigInt({ min: 0n, max: 2n ** 64n }))
      .map(([from, to]) => `${from.toString(16)}-${to.toString(16)} r--p 00000000 00:00 0`),
  );
  fc.assert(
    fc.property(fc.array(mapsLine, { maxLength: 20 }), (lines) => {
      try {
        parseMaps(lines.join('\n'));
      } catch (error) {
        expect(error).toBeInstanceOf(MapsFormatError);
      }
    }),
    within,
  );
});

test('lines that are too long take no more memory than one that is not', { timeout }, () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(line, fc.constant('x'.repeat(5000)), fc.constant('\n')), { maxLength: 30 }),
      (texts) => {
        const splitter = new LineSplitter();
        for (const text of texts) {
          for (const each of splitter.split(text)) expect((each ?? '').length).toBeLessThan(maxLineBytes);
        }
      },
    ),
    within,
  );
});

test('a leader that hears anything asks for something that makes sense', { timeout }, () => {
  const rules: Rules = {
    local: 0,
    isVisitor: false,
    leadsAtOnce: true,
    expected: 3,
    most: 3,
    arrived: 0,
    patience: 1000,
    keepsFile: false,
    timeout: 5000,
    pace,
  };
  const plan = {
    number: 1,
    at: 0x1000,
    bytes: 0x1000,
    offset: 0,
    abi: 1,
    base: undefined,
    shape: undefined,
    step: undefined,
  };
  fc.assert(
    fc.property(fc.array(fc.tuple(line, fc.nat(300)), { maxLength: 40 }), (lines) => {
      const reported = reportedByRanks();
      let now = 0;
      let next = lead(rules, now);
      const answerTo = (text: string): Answer => {
        switch (next.ask.ask) {
          case 'read':
            return { is: 'round', round: undefined };
          case 'hear':
            return { is: 'heard', lines: heard(text), loading: { failed: undefined } };
          case 'look':
            return { is: 'there', ranks: [1, 2] };
          case 'choose':
            return { is: 'plan', plan: { ...plan, number: next.ask.number } };
          case 'xml':
            return { is: 'xml', xml: undefined };
          default:
            return { is: 'done' };
        }
      };
      const heard = (text: string): Heard[] => {
        try {
          const message = parseMessage(text);
          const said = message === undefined ? undefined : reported.take(message);
          return said === undefined ? [] : [said];
        } catch (error) {
          expect(error instanceof ProtocolError || error instanceof RangeError).toBe(true);
          return [];
        }
      };
      for (const [text, milliseconds] of lines) {
        now += milliseconds;
        next = leader(rules, next.state, answerTo(text), now);
        if (next.ask.ask === 'publish')
          expect(parseRound(formatRound(next.ask.round))).toEqual(next.ask.round);
      }
    }),
    within,
  );
});

test('a rank with more ranges than a process can have is refused, before they take much memory', () => {
  const reported = reportedByRanks();
  const ranges = Array.from(
    { length: 100 },
    (_, at) => `${(at * 2 + 1).toString(16)}000-${(at * 2 + 2).toString(16)}000`,
  );
  const from = { local: 1, round: 0, ranges: ranges.join(' '), more: true } as const;
  reported.take({ verb: 'hello', rank: 1, abi: 1, cpus: undefined, mems: undefined, ...from });
  expect(() => {
    for (let lines = 0; lines < 1000; lines++) reported.take({ verb: 'ranges', ...from });
  }).toThrow(RangeError);
});
