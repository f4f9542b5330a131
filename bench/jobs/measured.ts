// What many runs of one contender come to.

import type { Contender } from './contenders.js';
import type { Outcomes } from './interleave.js';
import type { RankResult, Run } from './results.js';
import { type Summary, median, summarise } from '../support/statistics.js';

/** Of one contender in one case. Times in ms, memory in KiB; both of a rank where they are not of the job. */
export interface Measured {
  readonly contender: string;
  readonly tail: Summary;
  readonly makespan: Summary;
  /** Of the runs whose launcher ended by itself. */
  readonly wall: Summary | undefined;
  /** CPU around the join, of the leader and of the median member. */
  readonly cpuLeader: Summary;
  readonly cpuMember: Summary | undefined;
  /** CPU of the mean rank's whole process beyond one that only imports; of a C program, beyond its start. */
  readonly cpuBeyond: Summary | undefined;
  readonly memory: Memory | undefined;
  /** Medians, of the leader and of all members. */
  readonly leaderPhases: Phases;
  readonly memberPhases: Phases;
  /** Ranks, of all runs, that got their topology in another way than was meant. */
  readonly strays: number;
  /** Runs whose launcher had to be killed after all ranks had ended. */
  readonly hung: number;
  /** Runs that failed, and why. */
  readonly failures: readonly string[];
  /** The first words on stderr, of any run. */
  readonly said: string;
}

/** Medians over ranks. */
export interface Memory {
  /** Private to the process before the join: Node, and what it has imported. */
  readonly before: number;
  /** What the process has more after the join than before, private to it. */
  readonly grown: number;
  /** Of the shared mapping, after a walk over all objects. */
  readonly mappingPss: number;
  readonly mappingPrivate: number;
}

type Phases = Readonly<Record<string, number>>;

/**
 * @param imported  CPU of a rank that only imports; undefined where that was not measured.
 * @returns undefined if no run succeeded.
 */
export function measuredOf(
  contender: Contender,
  { results: runs, failures }: Outcomes<Run>,
  memoryRuns: readonly Run[],
  imported: number | undefined,
): Measured | undefined {
  if (runs.length === 0) return undefined;
  const walls = runs.flatMap(({ wall }) => wall ?? []);
  const hasMembers = runs.every((run) => membersOf(run).length > 0);
  const inMembers = (run: Run) => median(membersOf(run).map(({ cpuJoin }) => cpuJoin / 1000));
  return {
    contender: contender.name,
    tail: summarise(runs.map(({ tail }) => tail)),
    makespan: summarise(runs.map(({ makespan }) => makespan)),
    wall: walls.length === 0 ? undefined : summarise(walls),
    cpuLeader: summarise(runs.map((run) => leaderOf(run).cpuJoin / 1000)),
    cpuMember: hasMembers ? summarise(runs.map(inMembers)) : undefined,
    cpuBeyond: beyond(contender, runs, imported),
    memory: memoryOf(memoryRuns),
    leaderPhases: phasesOf(runs.map((run) => leaderOf(run).phases)),
    memberPhases: phasesOf(runs.flatMap(membersOf).map(({ phases }) => phases)),
    strays: runs.reduce((sum, { strays }) => sum + strays, 0),
    hung: runs.length - walls.length,
    failures,
    said: runs.find(({ said }) => said !== '')?.said.slice(0, 500) ?? '',
  };
}

/** ms, of the mean rank. */
export function cpuOfProcess({ ranks }: Run): number {
  return mean(ranks.map(({ cpuAll }) => cpuAll / 1000));
}

export function membersOf({ ranks }: Run): RankResult[] {
  return ranks.filter(({ rank }) => rank !== 0);
}

export function leaderOf({ ranks }: Run): RankResult {
  const leader = ranks.find(({ rank }) => rank === 0);
  if (leader === undefined) throw new Error('a run without rank 0');
  return leader;
}

function beyond(
  { usesNode }: Contender,
  runs: readonly Run[],
  imported: number | undefined,
): Summary | undefined {
  if (usesNode && imported === undefined) return undefined;
  const atStart = (run: Run) =>
    usesNode ? (imported ?? 0) : mean(run.ranks.map(({ cpuReady }) => cpuReady / 1000));
  return summarise(runs.map((run) => cpuOfProcess(run) - atStart(run)));
}

function memoryOf(runs: readonly Run[]): Memory | undefined {
  const kept = runs.flatMap(({ ranks }) => ranks.flatMap(({ memory }) => memory ?? []));
  if (kept.length === 0) return undefined;
  return {
    before: median(kept.map(({ before }) => before)),
    grown: median(kept.map(({ grown }) => grown)),
    mappingPss: median(kept.map(({ mappingPss }) => mappingPss)),
    mappingPrivate: median(kept.map(({ mappingPrivate }) => mappingPrivate)),
  };
}

function phasesOf(all: readonly Phases[]): Phases {
  const names = new Set(all.flatMap((phases) => Object.keys(phases)));
  return Object.fromEntries([...names].map((name) => [name, median(all.map((phases) => phases[name] ?? 0))]));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
