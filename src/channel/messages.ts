// The messages between a member and the leader, typed. docs/protocol.md says what each means and when it is sent.

import { ProtocolError } from './errors.js';
import { type RangeLine, type VerbLine, decimal, formatLine, hexadecimal, isOf, parseLine } from './line.js';

/** The version of the protocol, in the first line of each conversation. */
export const protocolVersion = 1;

/** Member to everybody's lobby: I am here, and my pair of FIFOs is `pipe`.up and `pipe`.down. */
export interface Announce {
  readonly verb: 'announce';
  readonly version: number;
  readonly rank: number;
  readonly localRank: number;
  readonly pipe: string;
}

/** Member to leader, first line: who I am. Lines of ranges and `end` follow. */
export interface Hello {
  readonly verb: 'hello';
  readonly version: number;
  readonly rank: number;
  readonly localRank: number;
  /** The ABI word of the member's libhwloc. */
  readonly abi: number;
  /** End of the heap and start of the stack, for the hole kinds that are named after them. */
  readonly heapEnd: number | undefined;
  readonly stackStart: number | undefined;
  /** What the member's cgroup allows, as lists of OS indexes (`0-3,8`). */
  readonly cpus: string | undefined;
  readonly mems: string | undefined;
}

/**
 * Member to leader: some of the ranges that are occupied in my address space, each `start-end` in hex, with a space between. In a line that
 * was received, other words may follow.
 */
export interface Ranges {
  readonly verb: 'ranges';
  readonly text: string;
}

/** Member to leader: that was the last of my ranges. */
export interface End {
  readonly verb: 'end';
}

/** Member to leader: the range of this generation is reserved here. */
export interface Reserved {
  readonly verb: 'reserved';
  readonly generation: number;
}

/** Member to leader: the range is taken here. Fresh lines of ranges and `end` follow. */
export interface Busy {
  readonly verb: 'busy';
  readonly generation: number;
}

/** Member to leader: I cannot adopt, whatever the address. `ladder` is the answer. */
export interface Declined {
  readonly verb: 'declined';
  readonly reason: string;
}

/** Member to leader: I have my topology, and this is how: the last line of a join. */
export interface Done {
  readonly verb: 'done';
  readonly how: string;
}

/** Member to leader: adopting failed. `ladder` is the answer. */
export interface Failed {
  readonly verb: 'failed';
  readonly reason: string;
}

/** Member to leader: I am at barrier number `number`. */
export interface AtBarrier {
  readonly verb: 'barrier';
  readonly number: number;
}

/** Leader to member: still here, waiting for the ranks in `missing`. */
export interface Wait {
  readonly verb: 'wait';
  readonly missing: string;
}

/** Leader to member: this is where the topology will be. Reserve the range. */
export interface Plan {
  readonly verb: 'plan';
  readonly generation: number;
  readonly file: string;
  readonly offset: number;
  readonly address: number;
  readonly length: number;
  readonly abi: number;
  /** Bytes of data at the beginning of the file, in front of the topology; undefined where there is none. */
  readonly data?: number | undefined;
}

/** Leader to member: the file is complete; drop the reservation and adopt. */
export interface Release {
  readonly verb: 'release';
  readonly generation: number;
}

/** Leader to member: you cannot share; load this XML, or discover for yourself where there is none. */
export interface Ladder {
  readonly verb: 'ladder';
  readonly reason: string;
  readonly xml: string | undefined;
  /** Whether the XML describes the machine we run on. */
  readonly thisSystem: boolean;
  /** The file that has the leader's data at its beginning, and how many bytes; undefined where there is none. */
  readonly dataFile?: string | undefined;
  readonly data?: number | undefined;
}

/** Leader to member: everybody is at barrier number `number`. */
export interface Open {
  readonly verb: 'open';
  readonly number: number;
}

export type MemberMessage = Hello | Ranges | End | Reserved | Busy | Declined | Done | Failed | AtBarrier;
export type LeaderMessage = Wait | Plan | Release | Ladder | Open;
export type Message = Announce | MemberMessage | LeaderMessage;
type Verb = Message['verb'];

/** The line, newline included, of a message. */
export function formatMessage(message: Message): string {
  switch (message.verb) {
    case 'announce':
      return formatLine('announce', {
        'hwloc-share': message.version,
        rank: message.rank,
        local: message.localRank,
        pipe: message.pipe,
      });
    case 'hello':
      return formatLine('hello', {
        'hwloc-share': message.version,
        rank: message.rank,
        local: message.localRank,
        abi: hex(message.abi),
        heap: message.heapEnd === undefined ? undefined : hex(message.heapEnd),
        stack: message.stackStart === undefined ? undefined : hex(message.stackStart),
        cpus: message.cpus,
        mems: message.mems,
      });
    case 'ranges':
      return `${message.text}\n`;
    case 'end':
      return formatLine('end');
    case 'reserved':
    case 'busy':
    case 'release':
      return formatLine(message.verb, { generation: message.generation });
    case 'declined':
    case 'failed':
      return formatLine(message.verb, { reason: shorten(message.reason) });
    case 'done':
      return formatLine('done', { how: message.how });
    case 'barrier':
    case 'open':
      return formatLine(message.verb, { number: message.number });
    case 'wait':
      return formatLine('wait', { missing: shorten(message.missing) });
    case 'plan':
      return formatLine('plan', {
        generation: message.generation,
        file: message.file,
        offset: hex(message.offset),
        address: hex(message.address),
        length: hex(message.length),
        abi: hex(message.abi),
        data: message.data === undefined ? undefined : hex(message.data),
      });
    case 'ladder':
      return formatLine('ladder', {
        reason: shorten(message.reason),
        xml: message.xml,
        thissystem: message.thisSystem ? 1 : 0,
        'data-file': message.dataFile,
        data: message.data === undefined ? undefined : hex(message.data),
      });
  }
}

/**
 * Parses a line, without its newline, into a message. Keys that are not known are ignored.
 *
 * A `version` that is not ours is for the receiver to judge: it knows how to answer.
 *
 * @throws ProtocolError
 */
export function parseMessage(text: string): Message {
  const line = parseLine(text);
  if (isRangeLine(line)) return { verb: 'ranges', text: line.ranges };
  const read = readers.get(line.verb);
  if (read === undefined) throw new ProtocolError('unknown verb', text);
  return read(new Fields(line, text));
}

function isRangeLine(line: VerbLine | RangeLine): line is RangeLine {
  return 'ranges' in line;
}

const readerOf: { [V in Exclude<Verb, 'ranges'>]: (fields: Fields) => Extract<Message, { verb: V }> } = {
  announce: (f) => ({
    verb: 'announce',
    version: f.count('hwloc-share'),
    rank: f.count('rank'),
    localRank: f.count('local'),
    pipe: f.pipe('pipe'),
  }),
  hello: (f) => ({
    verb: 'hello',
    version: f.count('hwloc-share'),
    rank: f.count('rank'),
    localRank: f.count('local'),
    abi: f.hex('abi'),
    heapEnd: f.has('heap') ? f.hex('heap') : undefined,
    stackStart: f.has('stack') ? f.hex('stack') : undefined,
    cpus: f.has('cpus') ? f.list('cpus') : undefined,
    mems: f.has('mems') ? f.list('mems') : undefined,
  }),
  end: () => ({ verb: 'end' }),
  reserved: (f) => ({ verb: 'reserved', generation: f.count('generation') }),
  busy: (f) => ({ verb: 'busy', generation: f.count('generation') }),
  declined: (f) => ({ verb: 'declined', reason: f.text('reason') }),
  done: (f) => ({ verb: 'done', how: f.text('how') }),
  failed: (f) => ({ verb: 'failed', reason: f.text('reason') }),
  barrier: (f) => ({ verb: 'barrier', number: f.count('number') }),
  wait: (f) => ({ verb: 'wait', missing: f.text('missing') }),
  plan: (f) => ({
    verb: 'plan',
    generation: f.count('generation'),
    file: f.text('file'),
    offset: f.hex('offset'),
    address: f.hex('address'),
    length: f.hex('length'),
    abi: f.hex('abi'),
    data: f.has('data') ? f.hex('data') : undefined,
  }),
  release: (f) => ({ verb: 'release', generation: f.count('generation') }),
  ladder: (f) => ({
    verb: 'ladder',
    reason: f.text('reason'),
    xml: f.has('xml') ? f.text('xml') : undefined,
    thisSystem: f.count('thissystem') === 1,
    dataFile: f.has('data-file') ? f.text('data-file') : undefined,
    data: f.has('data') ? f.hex('data') : undefined,
  }),
  open: (f) => ({ verb: 'open', number: f.count('number') }),
};
const readers = new Map<string, (fields: Fields) => Message>(Object.entries(readerOf));

/** The values of a line, checked as they are taken. */
class Fields {
  constructor(
    private readonly line: VerbLine,
    private readonly source: string,
  ) {}

  has(key: string): boolean {
    return this.line.values.has(key);
  }

  text(key: string): string {
    const value = this.line.values.get(key);
    if (value === undefined) throw new ProtocolError(`${key}= is missing`, this.source);
    return value;
  }

  count(key: string): number {
    const value = this.text(key);
    return Number(this.checked(key, value, isOf(value, 9, decimal)));
  }

  hex(key: string): number {
    const text = this.text(key);
    const value = parseInt(this.checked(key, text, isOf(text, 16, hexadecimal)), 16);
    if (!Number.isSafeInteger(value)) throw new ProtocolError(`${key}= is beyond 2^53`, this.source);
    return value;
  }

  /** A name of a pair of FIFOs: nothing that could lead out of the channel. */
  pipe(key: string): string {
    const value = this.text(key);
    return this.checked(key, value, /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(value));
  }

  list(key: string): string {
    const value = this.text(key);
    return this.checked(key, value, /^[0-9,-]{0,4096}$/.test(value));
  }

  private checked(key: string, value: string, isFit: boolean): string {
    if (!isFit) throw new ProtocolError(`${key}= is not as it must be`, this.source);
    return value;
  }
}

function hex(value: number): string {
  return value.toString(16);
}

/** A reason is for a person; a line must stay within its bounds whatever an error says. */
function shorten(text: string): string {
  return text.length <= 500 ? text : `${text.slice(0, 497)}...`;
}
