// A record: one rank's report about its join, on one line. Ranks write it. The wrapper reads it, and uses
// only what it has checked.

/** The version of this format. Ranks and the wrapper of one job may come from two copies of the package. */
const version = 1;

/** A longer line is not a record: even the longest reason, with the marks of many rounds, stays far below. */
const longestLine = 1 << 20;

/** The identity of a rank. A value that its launcher does not give is null. */
export interface Who {
  /** The name that the ranks of a node share: `slurm-17.0@n017`. */
  readonly step: string;
  readonly launcher: string | null;
  readonly rank: number;
  readonly size: number | null;
  readonly localRank: number | null;
  readonly localSize: number | null;
  readonly node: string;
  readonly pid: number;
}

/** A rank's report: it has called join() (`come`), has `joined`, or its join has `failed`. */
export interface JoinRecord extends Who {
  readonly what: 'come' | 'joined' | 'failed';
  /** When its process started, when it called join(), and when it wrote this: microseconds of CLOCK_MONOTONIC. */
  readonly born: number;
  readonly came: number;
  readonly now: number;
  /** Microseconds since 1970 when CLOCK_MONOTONIC was `born`. */
  readonly wall: number;
  /** The phases in order, each with its end in microseconds of CLOCK_MONOTONIC. */
  readonly marks: readonly Mark[];
  /** The trace points that it passed, in the same form. */
  readonly points: readonly Mark[];
  /** How the rank got its topology; null unless it has joined. */
  readonly outcome: Outcome | null;
  /** Why the join has failed. */
  readonly error: string | null;
  readonly libhwloc: Libhwloc | null;
  /** What the leader saw of the other ranks; null in the records of members. */
  readonly members: readonly Member[] | null;
}

/** Something that happened, and when. */
export type Mark = readonly [name: string, at: number];

/** The rank's own outcome. Undefined fields are null. */
export interface Outcome {
  readonly how: 'adopted' | 'xml' | 'discovered';
  readonly reason: string | null;
  readonly address: number | null;
  readonly length: number | null;
  readonly generation: number;
  readonly didDiscover: boolean;
  /** When an earlier step discovered the kept topology: milliseconds since 1970. */
  readonly kept: number | null;
  /** Milliseconds. */
  readonly phases: Readonly<Record<string, number>>;
}

/** The libhwloc that a rank has loaded. */
export interface Libhwloc {
  /** The name by which it was loaded: a path, or a soname. */
  readonly file: string;
  /** Its API version, such as `2.8`. */
  readonly apiVersion: string;
  readonly abi: number;
}

/** Another rank of the node, as its leader sees it at the end of the join. */
export interface Member {
  readonly localRank: number;
  /** Null for a rank that never came. */
  readonly rank: number | null;
  /** Its state: `done`, `gone`, `missing`, … */
  readonly standing: string;
  /** How it got its topology, by its own report. */
  readonly how: Outcome['how'] | null;
  readonly reason: string | null;
}

/**
 * A line, with a newline at both ends: it is whole even if another rank's line before it was cut for lack of
 * space.
 */
export function formatRecord(record: JoinRecord): string {
  return `\n${JSON.stringify({ version, ...record })}\n`;
}

/** Parses a line; undefined for anything that is not a record of this version. */
export function parseRecord(line: string): JoinRecord | undefined {
  if (line.length > longestLine) return undefined;
  try {
    const given: unknown = JSON.parse(line);
    return isRecord(given) ? given : undefined;
  } catch {
    return undefined;
  }
}

type Check = (value: unknown) => boolean;
type Shape<Type> = { readonly [Key in keyof Required<Type>]: Check };

const isText: Check = (value) => typeof value === 'string';
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isNumber: Check = (value) => Number.isFinite(value);
const oneOf =
  (...choices: readonly unknown[]): Check =>
  (value) =>
    choices.includes(value);
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const shaped =
  <Type>(shape: Shape<Type>): Check =>
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries<Check>(shape).every(([key, check]) => check((value as Record<string, unknown>)[key]));

const isMark: Check = (value) =>
  Array.isArray(value) && value.length === 2 && isText(value[0]) && isNumber(value[1]);
const isHow = oneOf('adopted', 'xml', 'discovered');

const isOutcome = shaped<Outcome>({
  how: isHow,
  reason: orNull(isText),
  address: orNull(isCount),
  length: orNull(isCount),
  generation: isCount,
  didDiscover: oneOf(true, false),
  kept: orNull(isCount),
  phases: (value) => typeof value === 'object' && value !== null && Object.values(value).every(isNumber),
});

const isLibhwloc = shaped<Libhwloc>({ file: isText, apiVersion: isText, abi: isCount });

const isMember = shaped<Member>({
  localRank: isCount,
  rank: orNull(isCount),
  standing: isText,
  how: orNull(isHow),
  reason: orNull(isText),
});

const hasShape = shaped<JoinRecord & { version: number }>({
  version: oneOf(version),
  what: oneOf('come', 'joined', 'failed'),
  step: isText,
  launcher: orNull(isText),
  rank: isCount,
  size: orNull(isCount),
  localRank: orNull(isCount),
  localSize: orNull(isCount),
  node: isText,
  pid: isCount,
  born: isNumber,
  came: isNumber,
  now: isNumber,
  wall: isNumber,
  marks: listOf(isMark),
  points: listOf(isMark),
  outcome: orNull(isOutcome),
  error: orNull(isText),
  libhwloc: orNull(isLibhwloc),
  members: orNull(listOf(isMember)),
});

function isRecord(value: unknown): value is JoinRecord {
  if (!hasShape(value)) return false;
  const { what, outcome } = value as JoinRecord;
  return (what === 'joined') === (outcome !== null);
}
