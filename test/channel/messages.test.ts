// Messages: each comes back as it was sent, and one that is not in order is refused by name.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../../src/channel/errors.js';
import { maxLineBytes } from '../../src/channel/line.js';
import { type Message, formatMessage, parseMessage } from '../../src/channel/messages.js';

const count = fc.integer({ min: 0, max: 999_999_999 });
const address = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
/** Paths and reasons as hostile as they come: newlines, spaces, `=`, `%`, NUL, escapes, any script. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.constantFrom(
    'a b\nplan file=/etc/passwd',
    '%0a',
    'x=y z=%',
    '\u0000\u001b[2J',
    '/tmp/ä ö/\u{1f600}',
    '',
  ),
);
const pipe = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/);
const list = fc.stringMatching(/^[0-9,-]{0,100}$/);
const range = fc.tuple(address, address).map(([a, b]) => `${a.toString(16)}-${b.toString(16)}`);

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ verb: fc.constant('announce'), version: count, rank: count, localRank: count, pipe }),
  fc.record({
    verb: fc.constant('hello'),
    version: count,
    rank: count,
    localRank: count,
    abi: address,
    heapEnd: maybe(address),
    stackStart: maybe(address),
    cpus: maybe(list),
    mems: maybe(list),
  }),
  fc.record({
    verb: fc.constant('ranges'),
    text: fc.array(range, { minLength: 1, maxLength: 200 }).map((words) => words.join(' ')),
  }),
  fc.record({ verb: fc.constant('end') }),
  fc.record({ verb: fc.constantFrom('reserved', 'busy', 'release'), generation: count }),
  fc.record({ verb: fc.constantFrom('declined', 'failed'), reason: hostile }),
  fc.record({ verb: fc.constant('done'), how: hostile }),
  fc.record({ verb: fc.constantFrom('barrier', 'open'), number: count }),
  fc.record({ verb: fc.constant('wait'), missing: hostile }),
  fc.record({
    verb: fc.constant('plan'),
    generation: count,
    file: hostile,
    offset: address,
    address,
    length: address,
    abi: address,
    data: maybe(address),
  }),
  fc.record({
    verb: fc.constant('ladder'),
    reason: hostile,
    xml: maybe(hostile),
    thisSystem: fc.boolean(),
    dataFile: maybe(hostile),
    data: maybe(address),
  }),
);

test('every message comes back as it was, whatever its file names and reasons hold', () => {
  fc.assert(
    fc.property(message, (message) => {
      const line = formatMessage(message);
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(parseMessage(line.slice(0, -1))).toEqual(message);
    }),
    { numRuns: 1000 },
  );
});

test('a message stays within the bounds of a line, however long its reason is', () => {
  const reason = '\u{1f600}\n'.repeat(100_000);
  for (const message of [
    { verb: 'failed', reason },
    { verb: 'declined', reason },
    { verb: 'ladder', reason, xml: `/dev/shm/${'x'.repeat(1000)}`, thisSystem: true },
    { verb: 'wait', missing: Array.from({ length: 4096 }, (_, i) => i).join(',') },
  ] satisfies Message[]) {
    expect(formatMessage(message).length).toBeLessThan(maxLineBytes);
  }
});

test('an announcement is one atomic write, however long its numbers are', () => {
  const pipe = 'x'.repeat(64);
  const line = formatMessage({
    verb: 'announce',
    version: 999_999_999,
    rank: 999_999_999,
    localRank: 999_999_999,
    pipe,
  });
  expect(line.length).toBeLessThan(4096);
});

test('200 ranges of the longest kind stay within the bounds of a line', () => {
  const text = Array<string>(200).fill('ffffffffffffffff-ffffffffffffffff').join(' ');
  expect(formatMessage({ verb: 'ranges', text }).length).toBeLessThan(maxLineBytes);
});

test('a key that is not known is ignored', () => {
  expect(parseMessage('release generation=3 colour=blue')).toEqual({ verb: 'release', generation: 3 });
});

test('raw lines of /proc/self/maps are messages of ranges', () => {
  const line = '7f0c5a600000-7f0c5a622000 r--p 00000000 08:01 1048602      /usr/lib/libc.so.6';
  expect(parseMessage(line)).toEqual({ verb: 'ranges', text: line });
});

describe('what is no message', () => {
  test.each([
    ['greetings rank=1', 'unknown verb'],
    ['constructor', 'unknown verb'],
    ['ranges', 'unknown verb'],
    ['release', 'generation= is missing'],
    ['release generation=', 'generation= is not'],
    ['release generation=-1', 'generation= is not'],
    ['release generation=1e3', 'generation= is not'],
    ['release generation=1234567890', 'generation= is not'],
    ['announce hwloc-share=1 rank=0 local=0 pipe=../../etc/passwd', 'pipe= is not'],
    ['announce hwloc-share=1 rank=0 local=0 pipe=.hidden', 'pipe= is not'],
    ['announce hwloc-share=1 rank=0 local=0 pipe=a%2fb', 'pipe= is not'],
    ['announce hwloc-share=1 rank=0 local=0 pipe=', 'pipe= is not'],
    ['hello hwloc-share=1 rank=0 local=0 abi=0x20400', 'abi= is not'],
    ['hello hwloc-share=1 rank=0 local=0 abi=20400 cpus=all', 'cpus= is not'],
    [
      'plan generation=1 file=f offset=0 address=fffffffffffff000 length=1000 abi=20400',
      'address= is beyond 2^53',
    ],
  ])('%s: %s', (line, why) => {
    expect(() => parseMessage(line)).toThrow(ProtocolError);
    expect(() => parseMessage(line)).toThrow(why);
    expect(() => parseMessage(line)).toThrow(line.slice(0, 70));
  });
});
