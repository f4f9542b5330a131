// The messages of the ranks in the lobby, and the rounds that a leader publishes: as types and as lines.
// docs/protocol.md says what each means.

import { ProtocolError } from './errors.js';
import { type Line, type Values, formatLine, numberIn, numberOf, parseLine } from './line.js';

/** Where the topology of a round is, or will be. */
export interface Plan {
  /** The number of the round that published it; its file is `topology.N`. */
  readonly number: number;
  /** Virtual address, in every rank. */
  readonly at: number;
  /** The length of the mapping. */
  readonly bytes: number;
  /** Bytes of attached data before the topology, in the file. */
  readonly offset: number;
  /** The ABI word of the leader's libhwloc. */
  readonly abi: number;
  /** The number of the root that contains the file; undefined: the channel itself contains it. */
  readonly base: number | undefined;
  /** A hash of the variables that ask for another topology than this machine's. */
  readonly shape: string | undefined;
}

/** The leader's topology as XML. */
export interface Xml {
  /** The number of the root that contains the XML file; 0: the channel itself contains it. */
  readonly base: number;
  /** Whether the XML describes this machine. */
  readonly thisSystem: boolean;
  /** As in {@link Plan}: a rank that asks for another topology does not use it. */
  readonly shape?: string | undefined;
}

/** A round that ends a join. Ranks that come late find it. */
export type Final = Release | Fallback;

/** The file is complete: adopt. */
export interface Release {
  readonly verb: 'release';
  readonly number: number;
  /** How many barriers have been passed so far. */
  readonly passed: number;
  /** Whether all ranks of the node took part in the last barrier. */
  readonly all: boolean;
  readonly plan: Plan;
  readonly xml: Xml | undefined;
}

/** No rank can adopt: take the fallback. */
export interface Fallback {
  readonly verb: 'fallback';
  readonly number: number;
  readonly passed: number;
  readonly all: boolean;
  readonly reason: string;
  readonly xml: Xml | undefined;
}

/** Whether a round ends the join. */
export function isFinal(round: Round | undefined): round is Final {
  return round?.verb === 'release' || round?.verb === 'fallback';
}

/**
 * A line that the leader publishes. `lead`: a rank leads. `anew`: repeat your last message. `plan`: reserve
 * its range.
 */
export type Round = Open | Final;

/**
 * A line during the join. `leader`: the local rank that published it. From this the next leader knows who has
 * died.
 */
export type Open =
  | { readonly verb: 'lead'; readonly number: number; readonly leader: number }
  | { readonly verb: 'anew'; readonly number: number; readonly leader: number; readonly deaths: number }
  | {
      readonly verb: 'plan';
      readonly number: number;
      readonly leader: number;
      readonly deaths: number;
      readonly plan: Plan;
    };

/** The fields of every rank's line: its sender, and the round that it answers. */
interface FromRank {
  readonly local: number;
  readonly round: number;
}

/** The occupied ranges of a rank. */
export interface OccupiedWords {
  /** `START-END` in hex, separated by one space. */
  readonly ranges: string;
  /** Whether a `ranges` line follows. */
  readonly more: boolean;
  readonly heapEnd?: number | undefined;
  readonly stackStart?: number | undefined;
}

export interface Hello extends FromRank, OccupiedWords {
  readonly verb: 'hello';
  readonly rank: number;
  readonly abi: number;
  /** What the rank's cgroup allows, as lists of OS indexes (`0-3,8`). */
  readonly cpus: string | undefined;
  readonly mems: string | undefined;
}

/** A line in the lobby. */
export type Message =
  | Hello
  | (FromRank & OccupiedWords & { readonly verb: 'ranges' | 'busy' })
  | (FromRank & { readonly verb: 'reserved' })
  | (FromRank & { readonly verb: 'declined'; readonly reason: string; readonly wantsXml: boolean })
  | (FromRank & { readonly verb: 'failed'; readonly reason: string })
  | (FromRank & { readonly verb: 'done'; readonly how: string })
  | (FromRank & { readonly verb: 'barrier'; readonly number: number });

/** Formats a message, without its newline. */
export function formatMessage(message: Message): string {
  const { verb, local, round } = message;
  const from = { local, round };
  switch (message.verb) {
    case 'hello': {
      const { rank, abi, cpus, mems } = message;
      return formatLine(
        verb,
        { ...from, rank, abi: hex(abi), cpus, mems, ...landmarks(message) },
        message.ranges,
      );
    }
    case 'ranges':
    case 'busy':
      return formatLine(verb, { ...from, ...landmarks(message) }, message.ranges);
    case 'declined':
      return formatLine(verb, { ...from, xml: message.wantsXml ? 1 : undefined, reason: message.reason });
    case 'failed':
      return formatLine(verb, { ...from, reason: message.reason });
    case 'done':
      return formatLine(verb, { ...from, how: message.how });
    case 'barrier':
      return formatLine(verb, { ...from, number: message.number });
    case 'reserved':
      return formatLine(verb, from);
  }
}

function landmarks({ heapEnd, stackStart, more }: OccupiedWords): Values {
  return { heap: optionalHex(heapEnd), stack: optionalHex(stackStart), more: more ? 1 : undefined };
}

const verbs: ReadonlySet<string> = new Set([
  'hello',
  'ranges',
  'reserved',
  'busy',
  'declined',
  'failed',
  'done',
  'barrier',
] satisfies Message['verb'][]);

/** Parses a line of the lobby. @returns undefined for an unknown verb. @throws ProtocolError */
export function parseMessage(text: string): Message | undefined {
  const line = parseLine(text);
  if (!verbs.has(line.verb)) return undefined;
  const from = { local: numberOf(line, 'local', 10, text), round: numberOf(line, 'round', 10, text) };
  const occupied = () => ({
    ranges: line.ranges,
    more: line.values.get('more') === '1',
    heapEnd: numberIn(line.values.get('heap'), 16),
    stackStart: numberIn(line.values.get('stack'), 16),
  });
  const reason = () => line.values.get('reason') ?? 'no reason was given';
  switch (line.verb) {
    case 'hello':
      return {
        verb: 'hello',
        ...from,
        rank: numberOf(line, 'rank', 10, text),
        abi: numberOf(line, 'abi', 16, text),
        cpus: line.values.get('cpus'),
        mems: line.values.get('mems'),
        ...occupied(),
      };
    case 'ranges':
    case 'busy':
      return { verb: line.verb, ...from, ...occupied() };
    case 'reserved':
      return { verb: 'reserved', ...from };
    case 'declined':
      return { verb: 'declined', ...from, reason: reason(), wantsXml: line.values.get('xml') === '1' };
    case 'failed':
      return { verb: 'failed', ...from, reason: reason() };
    case 'done':
      return { verb: 'done', ...from, how: line.values.get('how') ?? '' };
    case 'barrier':
      return { verb: 'barrier', ...from, number: numberOf(line, 'number', 10, text) };
    default:
      return undefined;
  }
}

/** Formats a round for publishing. */
export function formatRound(round: Round): string {
  const { verb, number } = round;
  switch (round.verb) {
    case 'lead':
      return formatLine(verb, { round: number, leader: round.leader });
    case 'anew':
      return formatLine(verb, { round: number, leader: round.leader, deaths: round.deaths });
    case 'plan':
      return formatLine(verb, {
        round: number,
        leader: round.leader,
        deaths: round.deaths === 0 ? undefined : round.deaths,
        ...planWords(round.plan),
      });
    case 'release':
      return formatLine(verb, { ...passedWords(round), plan: round.plan.number, ...planWords(round.plan) });
    case 'fallback':
      return formatLine(verb, { ...passedWords(round), shape: round.xml?.shape, reason: round.reason });
  }
}

function passedWords({ number, passed, all, xml }: Final): Values {
  return {
    round: number,
    passed,
    all: all ? 1 : undefined,
    xml: xml?.base,
    thissystem: xml?.thisSystem === true ? 1 : undefined,
  };
}

function planWords({ at, bytes, abi, offset, base, shape }: Plan): Values {
  return {
    at: hex(at),
    bytes: hex(bytes),
    abi: hex(abi),
    offset: offset === 0 ? undefined : hex(offset),
    base,
    shape,
  };
}

/** Parses a published round. @throws ProtocolError */
export function parseRound(text: string): Round {
  const line = parseLine(text);
  const number = numberOf(line, 'round', 10, text);
  const optional = (key: string, base: 10 | 16 = 10) =>
    line.values.has(key) ? numberOf(line, key, base, text) : undefined;
  const plan = (planNumber: number): Plan => ({
    number: planNumber,
    at: numberOf(line, 'at', 16, text),
    bytes: numberOf(line, 'bytes', 16, text),
    offset: optional('offset', 16) ?? 0,
    abi: numberOf(line, 'abi', 16, text),
    base: optional('base'),
    shape: line.values.get('shape'),
  });
  const final = () => {
    const xml = optional('xml');
    return {
      number,
      passed: numberOf(line, 'passed', 10, text),
      all: line.values.get('all') === '1',
      xml:
        xml === undefined
          ? undefined
          : {
              base: xml,
              thisSystem: line.values.get('thissystem') === '1',
              shape: line.values.get('shape'),
            },
    };
  };
  const leader = () => numberOf(line, 'leader', 10, text);
  switch (line.verb) {
    case 'lead':
      return { verb: 'lead', number, leader: leader() };
    case 'anew':
      return { verb: 'anew', number, leader: leader(), deaths: numberOf(line, 'deaths', 10, text) };
    case 'plan':
      return { verb: 'plan', number, leader: leader(), deaths: optional('deaths') ?? 0, plan: plan(number) };
    case 'release':
      return { verb: 'release', ...final(), plan: plan(numberOf(line, 'plan', 10, text)) };
    case 'fallback':
      return { verb: 'fallback', ...final(), reason: reasonOf(line) };
    default:
      throw new ProtocolError('not a round of this protocol', text);
  }
}

function reasonOf({ values }: Line): string {
  return values.get('reason') ?? 'the leader gave no reason';
}

function hex(value: number): string {
  return value.toString(16);
}

function optionalHex(value: number | undefined): string | undefined {
  return value === undefined ? undefined : hex(value);
}
