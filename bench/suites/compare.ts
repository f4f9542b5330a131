// hwloc-share against what a user would do instead: tail, makespan, CPU, memory and wall-clock, interleaved.

import type { Bench, Benchmark } from '../benchmark.js';
import { type Contender, contender, contenders } from '../jobs/contenders.js';
import type { Input } from '../jobs/inputs.js';
import type { RankResult, Run } from '../jobs/results.js';
import { runOnce } from '../jobs/run-once.js';
import { progress } from '../support/progress.js';
import { type Summary, median, summarise } from '../support/statistics.js';
import { digits, memory, table, time } from '../support/table.js';

/** What was measured of one contender in one case. Times in ms, memory in KiB, both of a rank where they are not of the job. */
export interface Measured {
  readonly contender: string;
  readonly tail: Summary;
  readonly makespan: Summary;
  readonly wall: Summary | undefined;
  /** CPU around the join, of the leader and of a member. */
  readonly cpuLeader: Summary;
  readonly cpuMember: Summary | undefined;
  /** CPU of the whole process beyond one that only imports; of a C program, beyond its start. */
  readonly cpuBeyond: Summary | undefined;
  readonly memory:
    { readonly grown: number; readonly mappingPss: number; readonly mappingPrivate: number } | undefined;
  /** Medians, ms: of the leader, and of the median member. */
  readonly leaderPhases: Readonly<Record<string, number>>;
  readonly memberPhases: Readonly<Record<string, number>>;
  /** Ranks, of all runs, that got their topology in another way than was meant. */
  readonly strays: number;
  /** Runs whose launcher had to be killed after all ranks had ended. */
  readonly hung: number;
  /** Runs that failed, and why. */
  readonly failures: readonly string[];
}

/** One input with so many ranks. */
export interface CaseResult {
  readonly input: string;
  readonly pus: number;
  readonly objects: number;
  readonly bytes: number;
  readonly ranks: number;
  readonly measured: readonly Measured[];
}

/** The goals' cases first, then those that show how costs grow; whatever the time allows. */
const defaultCases: readonly (readonly [input: string, ranks: number])[] = [
  ['192em64t', 64],
  ['128arm', 64],
  ['192em64t', 2],
  ['192em64t', 8],
  ['192em64t', 32],
  ['512', 16],
  ['4096', 16],
  ['16384', 16],
  ['this', 16],
  ['128arm', 16],
  ['192em64t', 16],
  ['192em64t', 128],
  ['192em64t', 256],
  ['128arm', 2],
  ['128arm', 8],
  ['128arm', 32],
  ['128arm', 128],
  ['128arm', 256],
];

/** What the others are measured by. */
const own = 'share';
const control = 'import';

/** Milliseconds that a job may take beyond what is likely, before it is killed. */
const patience = 60_000;

/** Memory is much the same in each run. */
const memoryRuns = 2;

export const compare: Benchmark = {
  name: 'compare',
  about: 'the tail, and all other costs, of hwloc-share and of what a user would do instead',
  async run(bench) {
    const { options } = bench;
    const cases =
      options.inputs.length === 0 && options.ranks.length === 0
        ? defaultCases
        : (options.inputs.length > 0 ? options.inputs : ['192em64t', '128arm']).flatMap((input) =>
            (options.ranks.length > 0 ? options.ranks : [2, 8, 32, 64]).map(
              (ranks) => [input, ranks] as const,
            ),
          );
    const chosen = options.contenders.length > 0 ? options.contenders.map(contender) : [...contenders];
    const results: CaseResult[] = [];
    for (const [name, ranks] of cases) {
      const input = bench.inputs.find(name);
      if (input === undefined) {
        bench.budget.leaveOut(`${name} with ${ranks} ranks: no such machine is recorded here`);
        continue;
      }
      const suiting = chosen.filter((each) => each.suits(input));
      const result = await measureCase(bench, input, ranks, suiting);
      if (result === undefined) continue;
      results.push(result);
      bench.say(show(result));
    }
    return results;
  },
};

/** The runs of one contender, and how long the last one took. */
interface Runs {
  readonly contender: Contender;
  readonly runs: Run[];
  readonly memory: Run[];
  readonly failures: string[];
  took: number;
}

async function measureCase(
  bench: Bench,
  input: Input,
  ranks: number,
  chosen: readonly Contender[],
): Promise<CaseResult | undefined> {
  const { options, budget } = bench;
  const title = `${input.name}, ${ranks} ranks`;
  const all: Runs[] = chosen.map((each) => ({
    contender: each,
    runs: [],
    memory: [],
    failures: [],
    took: 0,
  }));
  for (let round = 0; round < options.runs; round++) {
    // Each begins as often as any other.
    const order = all
      .map((_, index) => all[(index + round) % all.length])
      .filter((each) => each !== undefined);
    for (const each of order) await tryOnce(bench, each, { input, ranks }, title, round);
    if (round === 0) {
      const left = (options.runs - 1) * all.reduce((sum, each) => sum + each.took, 0);
      if (left > budget.left && round + 1 < options.runs) {
        budget.leaveOut(`${title}: ${options.runs} runs would take ${time(left)} more`);
        return undefined;
      }
    }
  }
  for (let round = 0; round < Math.min(memoryRuns, options.runs); round++) {
    for (const each of all.filter(({ contender }) => contender.memory)) {
      await tryOnce(bench, each, { input, ranks, memory: true }, `${title}, memory`, round);
    }
  }
  const controls = all.find(({ contender }) => contender.name === control)?.runs ?? [];
  const imported = controls.length === 0 ? undefined : median(controls.map(cpuOfProcess));
  return {
    input: input.name,
    pus: input.pus,
    objects: input.objects,
    bytes: input.bytes,
    ranks,
    measured: all.filter(({ runs }) => runs.length > 0).map((each) => measuredOf(each, imported)),
  };
}

async function tryOnce(
  { setting }: Bench,
  each: Runs,
  what: { input: Input; ranks: number; memory?: boolean },
  title: string,
  round: number,
): Promise<void> {
  if (each.failures.length > 2) return;
  progress(title, `${each.contender.about}, run ${round + 1}`);
  const started = performance.now();
  try {
    const run = await runOnce(setting, each.contender, what, patience + 5 * each.took);
    if (run !== undefined) (what.memory === true ? each.memory : each.runs).push(run);
  } catch (error) {
    each.failures.push(String(error).slice(0, 500));
  }
  each.took = performance.now() - started;
}

function measuredOf({ contender, runs, memory, failures }: Runs, imported: number | undefined): Measured {
  const walls = runs.flatMap(({ wall }) => wall ?? []);
  const members = (run: Run) => run.ranks.filter(({ rank }) => rank !== 0);
  const haveMembers = runs.every((run) => members(run).length > 0);
  const inC = !contender.usesNode;
  const beyond = inC || imported !== undefined;
  const kept = memory.flatMap(({ ranks }) => ranks.flatMap((rank) => rank.memory ?? []));
  return {
    contender: contender.name,
    tail: summarise(runs.map(({ tail }) => tail)),
    makespan: summarise(runs.map(({ makespan }) => makespan)),
    wall: walls.length === 0 ? undefined : summarise(walls),
    cpuLeader: summarise(runs.map((run) => (leaderOf(run)?.cpuJoin ?? NaN) / 1000)),
    cpuMember: haveMembers
      ? summarise(runs.map((run) => median(members(run).map((rank) => rank.cpuJoin / 1000))))
      : undefined,
    cpuBeyond: beyond
      ? summarise(
          runs.map(
            (run) =>
              cpuOfProcess(run) -
              (inC ? mean(run.ranks.map((rank) => rank.cpuReady / 1000)) : (imported ?? 0)),
          ),
        )
      : undefined,
    memory:
      kept.length === 0
        ? undefined
        : {
            grown: median(kept.map(({ grown }) => grown)),
            mappingPss: median(kept.map(({ mappingPss }) => mappingPss)),
            mappingPrivate: median(kept.map(({ mappingPrivate }) => mappingPrivate)),
          },
    leaderPhases: phasesOf(runs.map((run) => leaderOf(run)?.phases ?? {})),
    memberPhases: phasesOf(runs.flatMap(members).map((rank) => rank.phases)),
    strays: runs.reduce((sum, { strays }) => sum + strays, 0),
    hung: runs.length - walls.length,
    failures,
  };
}

/** ms of the mean rank. */
function cpuOfProcess(run: Run): number {
  return mean(run.ranks.map((rank) => rank.cpuAll / 1000));
}

function leaderOf(run: Run): RankResult | undefined {
  return run.ranks.find(({ rank }) => rank === 0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function phasesOf(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const names = new Set(all.flatMap((phases) => Object.keys(phases)));
  return Object.fromEntries([...names].map((name) => [name, median(all.map((phases) => phases[name] ?? 0))]));
}

function show(result: CaseResult): string {
  const { measured } = result;
  const ours = measured.find((each) => each.contender === own);
  const head = [
    '',
    'tail ÷ ours',
    'tail',
    'spread',
    'makespan',
    'wall',
    'CPU leader',
    'member',
    'beyond',
    'private',
    'Pss shared',
  ];
  const rows = measured.map((each) => [
    contender(each.contender).about,
    ours === undefined ? '-' : digits(each.tail.median / ours.tail.median),
    time(each.tail.median),
    `${digits(each.tail.low)}–${digits(each.tail.high)}`,
    time(each.makespan.median),
    each.wall === undefined ? '-' : time(each.wall.median),
    time(each.cpuLeader.median),
    each.cpuMember === undefined ? '-' : time(each.cpuMember.median),
    each.cpuBeyond === undefined ? '-' : time(each.cpuBeyond.median),
    each.memory === undefined
      ? '-'
      : memory(each.memory.mappingPss > 0 ? each.memory.mappingPrivate : each.memory.grown),
    each.memory === undefined || each.memory.mappingPss === 0 ? '-' : memory(each.memory.mappingPss),
  ]);
  const notes = measured.flatMap((each) => [
    ...(each.strays > 0
      ? [`  ${each.contender}: ${each.strays} ranks got their topology in another way`]
      : []),
    ...(each.hung > 0
      ? [`  ${each.contender}: the launcher hung at its end in ${each.hung} of ${each.tail.runs} runs`]
      : []),
    ...each.failures.map((failure) => `  ${each.contender}: a run failed: ${failure}`),
  ]);
  const phases = (of: Readonly<Record<string, number>>) =>
    Object.entries(of)
      .map(([name, ms]) => `${name} ${time(ms)}`)
      .join(', ');
  if (ours !== undefined) {
    notes.push(
      `  leader of (a): ${phases(ours.leaderPhases)}`,
      `  its members: ${phases(ours.memberPhases)}`,
    );
  }
  const title = `${result.input} (${result.pus} PUs, ${result.objects} objects, ${memory(result.bytes / 1024)} shared), ${result.ranks} ranks, ${ours?.tail.runs ?? 0} runs`;
  return [title, table([head, ...rows]), ...notes].join('\n');
}
