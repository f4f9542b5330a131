// The report as a document: docs/report.schema.json describes it.

import { formatAddress } from '../../maps/index.js';
import type { JoinRecord, Member } from '../../spool/index.js';
import type { Gap, Node, Step, Told } from './gather.js';

/**
 * A report. Memory is in bytes, addresses are text (`0x41a200000000`). Values that do not apply or are not
 * known are null.
 */
export interface Report {
  /** The version of this format. */
  readonly version: 1;
  /** The version of the wrapper's package. */
  readonly hwlocShare: string;
  readonly job: string;
  readonly launcher: { readonly command: string; readonly kind: string | null };
  /** When the wrapper started the launcher, and how many seconds later it ended. */
  readonly started: string;
  readonly seconds: number;
  readonly exit: { readonly status: number; readonly signal: string | null };
  readonly totals: Totals;
  readonly steps: readonly StepReport[];
  /** What is missing in this report, one sentence each. */
  readonly notes: readonly string[];
}

export interface Totals {
  readonly nodes: number;
  readonly ranks: number;
  readonly adopted: number;
  readonly xml: number;
  readonly discovered: number;
  readonly failed: number;
  readonly missing: number;
  readonly discoveries: number;
  readonly discoveriesSaved: number;
  readonly bytesSaved: number;
}

export interface StepReport {
  readonly step: string;
  readonly launcher: string | null;
  readonly size: number | null;
  readonly nodes: readonly NodeReport[];
  /** The ranks without any record: their number, and which: `4-7,9`. */
  readonly unknown: { readonly count: number; readonly ranks: string };
}

export interface NodeReport {
  readonly node: string;
  readonly localSize: number | null;
  /** The address of the shared topology; null if none is shared. */
  readonly address: string | null;
  readonly bytes: number | null;
  readonly generation: number | null;
  /**
   * If an earlier step discovered the topology: when, and how many seconds before this step's leader came.
   */
  readonly kept: { readonly since: string; readonly seconds: number } | null;
  readonly discoveries: number;
  readonly discoveriesSaved: number;
  readonly bytesSaved: number;
  readonly ranks: readonly RankReport[];
}

export interface RankReport {
  /** Null if only its local rank is known. */
  readonly rank: number | null;
  readonly localRank: number | null;
  readonly pid: number | null;
  /** Whether it led the ranks of its node; null if that is not known. */
  readonly leader: boolean | null;
  readonly how: 'adopted' | 'xml' | 'discovered' | 'failed' | 'missing';
  /** Why it is not `adopted`. */
  readonly reason: string | null;
  /** The source of this record: the rank itself, or the leader of its node. */
  readonly toldBy: 'rank' | 'leader';
  readonly discovered: boolean | null;
  readonly address: string | null;
  readonly bytes: number | null;
  readonly generation: number | null;
  /** When it called join(), by its node's clock, and how long the join took. */
  readonly came: string | null;
  readonly milliseconds: number | null;
  readonly phases: Readonly<Record<string, number>> | null;
  readonly libhwloc: { readonly file: string; readonly apiVersion: string; readonly abi: string } | null;
}

/** The wrapper's own facts about a job. */
export type JobFacts = Pick<Report, 'hwlocShare' | 'job' | 'launcher' | 'started' | 'seconds' | 'exit'>;

/** Makes the document. @param unread  How many lines of ranks could not be read. */
export function reportOf(facts: JobFacts, steps: readonly Step[], unread: number): Report {
  const reports = steps.map(stepReport);
  return {
    version: 1,
    ...facts,
    totals: totalsOf(reports),
    steps: reports,
    notes: [
      ...(reports.length === 0 ? ['no rank of this job has told of a join'] : []),
      ...reports.flatMap((report) => notesOn(report, reports.length)),
      ...(unread === 0 ? [] : [`${unread} lines that ranks have written could not be understood`]),
    ],
  };
}

function stepReport({ name, launcher, size, nodes, unknown }: Step): StepReport {
  return {
    step: name,
    launcher,
    size,
    nodes: nodes.map(nodeReport),
    unknown: {
      count: unknown.reduce((sum, [first, last]) => sum + last - first + 1, 0),
      ranks: unknown.map(textOf).join(','),
    },
  };
}

function nodeReport({ node, localSize, ranks: told, others }: Node): NodeReport {
  const records = told.map(({ record }) => record);
  const shared = records.flatMap(({ outcome }) => (outcome?.how === 'adopted' ? outcome : []))[0];
  const place = {
    address: hex(shared?.address ?? null),
    bytes: shared?.length ?? null,
    generation: shared?.generation ?? null,
  };
  const ranks = [...told.map(rankReport), ...others.map((member) => memberReport(member, place))];
  const adopted = ranks.filter(({ how }) => how === 'adopted').length;
  const having = ranks.filter(({ how }) => ['adopted', 'xml', 'discovered'].includes(how)).length;
  const discoveries = ranks.filter(({ discovered }) => discovered === true).length;
  return {
    node,
    localSize,
    ...place,
    kept: keptOf(records),
    discoveries,
    discoveriesSaved: Math.max(having - discoveries, 0),
    bytesSaved: Math.max(adopted - 1, 0) * (place.bytes ?? 0),
    ranks,
  };
}

/** When the kept topology was discovered. Only the leader knows this. */
function keptOf(records: readonly JoinRecord[]): NodeReport['kept'] {
  for (const record of records) {
    const kept = record.outcome?.kept ?? null;
    const since = kept === null ? null : dateOf(kept * 1000);
    if (kept === null || since === null) continue;
    const seconds = Math.max(0, wallTime(record, record.came) / 1e6 - kept / 1000);
    return { since, seconds: Math.round(seconds * 1000) / 1000 };
  }
  return null;
}

function rankReport({ record, seen }: Told): RankReport {
  const { outcome, libhwloc } = record;
  const isOver = record.what !== 'come';
  return {
    rank: record.rank,
    localRank: record.localRank,
    pid: record.pid,
    leader: isOver ? record.points.some(([point]) => point.startsWith('leader:')) : null,
    how: outcome?.how ?? (isOver ? 'failed' : 'missing'),
    reason: isOver ? (outcome === null ? record.error : outcome.reason) : whyUnfinished(seen),
    toldBy: 'rank',
    discovered: outcome?.didDiscover ?? null,
    address: hex(outcome?.address ?? null),
    bytes: outcome?.length ?? null,
    generation: outcome?.generation ?? null,
    came: dateOf(wallTime(record, record.came)),
    milliseconds: isOver ? (record.now - record.came) / 1000 : null,
    phases: outcome === null ? null : rounded(outcome.phases),
    libhwloc: libhwloc === null ? null : { ...libhwloc, abi: `0x${libhwloc.abi.toString(16)}` },
  };
}

/** Microseconds since 1970 of a moment on a rank's clock. */
export function wallTime({ born, wall }: JoinRecord, at: number): number {
  return wall + at - born;
}

function dateOf(microseconds: number): string | null {
  const date = new Date(microseconds / 1000);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

function whyUnfinished(seen: Member | undefined): string {
  const said = 'its join has not ended: it was killed, or the job ended first';
  if ((seen?.how ?? null) !== null) return `${said}; it had told its leader that it has the topology`;
  return seen?.standing === 'dropped' ? `${said}; its leader got no answer from it` : said;
}

/** A rank without a record of its own: it is in another language, or could not write. */
function memberReport(
  member: Member,
  place: Pick<NodeReport, 'address' | 'bytes' | 'generation'>,
): RankReport {
  // It may have ended since then.
  const how = member.how ?? 'missing';
  return {
    rank: member.rank,
    localRank: member.localRank,
    pid: null,
    leader: null,
    how,
    reason: how === 'adopted' ? null : (member.reason ?? whyMissing[member.standing] ?? 'not known'),
    toldBy: 'leader',
    discovered: how === 'missing' ? null : how === 'discovered',
    ...(how === 'adopted' ? place : { address: null, bytes: null, generation: null }),
    came: null,
    milliseconds: null,
    phases: null,
    libhwloc: null,
  };
}

const whyMissing: Readonly<Record<string, string>> = {
  missing: 'it did not join in time',
  dropped: 'it did not answer in time',
  died: 'it ended while the others joined',
};

function totalsOf(steps: readonly StepReport[]): Totals {
  const nodes = steps.flatMap((step) => step.nodes);
  const ranks = nodes.flatMap((node) => node.ranks);
  const count = (how: RankReport['how']) => ranks.filter((rank) => rank.how === how).length;
  const sum = (key: 'discoveries' | 'discoveriesSaved' | 'bytesSaved') =>
    nodes.reduce((total, node) => total + node[key], 0);
  const numbered = ranks.filter(({ rank }) => rank !== null);
  const unknown = steps.reduce((total, step) => total + step.unknown.count, 0);
  return {
    nodes: new Set(nodes.map(({ node }) => node)).size,
    ranks: numbered.length + unknown,
    adopted: count('adopted'),
    xml: count('xml'),
    discovered: count('discovered'),
    failed: count('failed'),
    missing: numbered.filter(({ how }) => how === 'missing').length + unknown,
    discoveries: sum('discoveries'),
    discoveriesSaved: sum('discoveriesSaved'),
    bytesSaved: sum('bytesSaved'),
  };
}

function notesOn({ step, nodes, unknown }: StepReport, steps: number): string[] {
  const where = steps === 1 ? '' : ` of step ${step}`;
  const unfinished = nodes
    .flatMap(({ ranks }) => ranks)
    .flatMap(({ rank, how }) => (how === 'missing' && rank !== null ? rank : []));
  const notes: string[] = [];
  if (unfinished.length > 0)
    notes.push(`${named(listOf(unfinished))}${where} did not come to the end of a join`);
  if (unknown.count > 0) {
    notes.push(
      `nothing is known of ${named(unknown.ranks)}${where}: not joined, or not on a file system that the nodes share`,
    );
  }
  return notes;
}

function named(list: string): string {
  return `${/^\d+$/.test(list) ? 'rank' : 'ranks'} ${list}`;
}

/** `4-7,9` */
function listOf(numbers: readonly number[]): string {
  const gaps: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = gaps.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else gaps.push([number, number]);
  }
  return gaps.map(textOf).join(',');
}

function textOf([first, last]: Gap): string {
  return first === last ? String(first) : `${first}-${last}`;
}

function hex(address: number | null): string | null {
  return address === null ? null : formatAddress(address);
}

function rounded(phases: Readonly<Record<string, number>>): Record<string, number> {
  const entries = Object.entries(phases);
  return Object.fromEntries(entries.map(([name, ms]) => [name, Math.round(ms * 1000) / 1000]));
}
