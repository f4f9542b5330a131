// The line protocol and the maps parser under a fuzzer, for a bounded time: whatever comes, the answer is a message or an error
// of ours that names the line, and a peer that was misunderstood is gone. FAULTS_FUZZ_MS sets the time of each.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type LineListener,
  type LineReader,
  type LineWriter,
  ProtocolError,
} from '../../src/channel/index.js';
import { formatMessage, parseMessage } from '../../src/channel/messages.js';
import { MapsFormatError, parseMaps } from '../../src/maps/index.js';
import { mostRanges } from '../../src/rank/address-space.js';
import { Peer } from '../../src/rank/peer.js';

const limit = Number(process.env.FAULTS_FUZZ_MS ?? 3000);
const within = { interruptAfterTimeLimit: limit, numRuns: 1_000_000, markInterruptAsFailure: false };
const timeout = limit + 20_000;

const valid = [
  'announce hwloc-share=1 rank=1 local=1 pipe=1-4711',
  'hello hwloc-share=1 rank=1 local=1 abi=20400 heap=55d0c2e9f000 stack=7ffd3c1e2000 cpus=0-3,8 mems=0',
  '55d0c0a4e000-55d0c0a50000 55d0c2e7e000-55d0c2e9f000',
  'end',
  'reserved generation=1',
  'busy generation=1',
  'declined reason=no%20room',
  'failed reason=EBUSY',
  'done how=adopted',
  'barrier number=1',
  'wait missing=1,2',
  'plan generation=1 file=/dev/shm/x offset=0 address=41a200000000 length=cd000 abi=20400',
  'release generation=1',
  'ladder reason=because xml=/dev/shm/x thissystem=1',
  'open number=1',
];

/** A valid line, and the same with something cut out, put in or repeated; or anything at all. */
const line = fc.oneof(
  fc.constantFrom(...valid),
  fc
    .tuple(fc.constantFrom(...valid), fc.nat(200), fc.nat(20), fc.string({ unit: 'binary', maxLength: 20 }))
    .map(([text, at, length, insert]) => {
      const start = at % (text.length + 1);
      return text.slice(0, start) + insert + text.slice(start + length);
    }),
  fc.tuple(fc.constantFrom(...valid), fc.nat(300)).map(([text, times]) => `${text} `.repeat(times)),
  fc.string({ unit: 'binary', maxLength: 300 }),
);

test('a line is understood or refused with an error that names it', { timeout }, () => {
  fc.assert(
    fc.property(line, (text) => {
      try {
        const message = parseMessage(text);
        // What was understood can be said again, and is understood as the same.
        if (message.verb !== 'ranges') {
          expect(parseMessage(formatMessage(message).trimEnd())).toEqual(message);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        expect((error as Error).message.length).toBeLessThan(1000);
      }
    }),
    within,
  );
});

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

test('a peer of which anything is heard is in a state that makes sense, or gone', { timeout }, () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), fc.array(fc.nat(30), { maxLength: 6 }), (lines, says) => {
      const ear = makePeer();
      lines.forEach((text, at) => {
        if (says.includes(at)) ear.peer.say(ear.plan);
        if (ear.peer.standing !== 'gone') ear.listener.line(text);
      });
      expect(ear.misbehaved).toBeLessThanOrEqual(1);
      if (ear.misbehaved > 0) expect(ear).toMatchObject({ closed: 2, peer: { standing: 'gone' } });
    }),
    within,
  );
});

test('a peer with more ranges than a process can have is gone, before they take much memory', () => {
  const ear = makePeer();
  ear.listener.line(valid[1] ?? '');
  const ranges = Array.from(
    { length: 200 },
    (_, at) => `${(at * 2 + 1).toString(16)}000-${(at * 2 + 2).toString(16)}000`,
  );
  let lines = 0;
  while (ear.peer.standing !== 'gone') {
    ear.listener.line(ranges.join(' '));
    lines++;
  }
  expect(lines).toBe(Math.floor(mostRanges / 200) + 1);
});

/** A peer whose pipes are ours to speak through. */
function makePeer() {
  const state = { misbehaved: 0, closed: 0 };
  let listener: LineListener | undefined;
  const close = () => {
    state.closed++;
  };
  const reader = { listen: (ear: LineListener) => (listener = ear), close, keepAlive: () => undefined };
  const writer = { write: () => undefined, close };
  const ignore = () => undefined;
  const peer = new Peer(
    1,
    1,
    { reader: reader as unknown as LineReader, writer: writer as unknown as LineWriter },
    { changed: ignore, atBarrier: ignore, misbehaved: () => state.misbehaved++ },
  );
  if (listener === undefined) throw new Error('a peer listens from the start');
  const plan = {
    verb: 'plan',
    generation: 1,
    file: '/x',
    offset: 0,
    address: 0x1000,
    length: 0x1000,
    abi: 1,
  } as const;
  return Object.assign(state, { peer, listener, plan });
}
