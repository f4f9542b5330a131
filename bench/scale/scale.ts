// What jobs cost that are bigger than this machine, from what was measured on it: the tables of docs/scale.md.

import { readFileSync } from 'node:fs';
import type { CaseResult } from '../suites/compare-plots.js';
import type { ImportCost } from '../suites/import.js';
import type { RanksCost, Row } from '../suites/ranks.js';
import { fit } from '../support/statistics.js';
import { memory, table, time } from '../support/table.js';
import { type Costs, expectedMaximum, simulateTail } from './node.js';

/** The JSON of a run, as far as it is needed here. */
export interface Figures {
  readonly about: { readonly cores: number; readonly product: string; readonly date: string };
  readonly results: {
    readonly ranks: RanksCost;
    readonly import?: ImportCost;
    readonly compare?: readonly CaseResult[];
  };
}

/** Jobs that are worked out: ranks and cores of a node, and how many nodes. */
const jobs = [
  { ranks: 128, cores: 128, nodes: 1 },
  { ranks: 512, cores: 512, nodes: 1 },
  { ranks: 512, cores: 2, nodes: 1 },
  { ranks: 128, cores: 128, nodes: 1000 },
] as const;

/** What a server of a shared file system may answer in a second; from a small NFS server to a parallel file system's. */
const requestRates = [10_000, 100_000];

/** @param file  What `--json` has written. @throws Error  where it lacks `ranks`. */
export function scale(file: string): string {
  const figures = JSON.parse(readFileSync(file, 'utf8')) as Figures;
  // From a file: whoever made it may have left `ranks` out.
  if ((figures.results.ranks as RanksCost | undefined)?.lines === undefined) {
    throw new Error(`${file} has no figures of the benchmark ranks, of two rank counts at least`);
  }
  return [times(figures), check(figures), space(figures), requests(figures)]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** What a join's steps cost, from how the measured times grow with the ranks. */
export function costsOf({ rows }: RanksCost): Costs {
  const first = rows[0];
  if (first === undefined) throw new RangeError('no rows');
  const growth = (phase: string) => slopeOf(rows, ({ ours }) => ours.leaderPhases[phase] ?? 0);
  const perMember = Math.max(
    0,
    slopeOf(rows, ({ ours }) => ours.cpuLeader.median),
  );
  const [admit, plan, release] = shares([
    growth('gather'),
    growth('plan') + growth('reserve'),
    growth('settle') + growth('adopt'),
  ]);
  const { load = 0, plan: planning = 0, write = 0, adopt: leaderAdopts = 0 } = first.ours.leaderPhases;
  const member = first.ours.memberPhases;
  const cpu = first.ours.cpuMember?.median ?? 0;
  const [greet, reserve, adopt] = shares([
    (member.channel ?? 0) + (member.announce ?? 0),
    member.reserve ?? 0,
    member.adopt ?? 0,
  ]);
  return {
    load,
    once: planning + write + leaderAdopts,
    admit: perMember * admit,
    plan: perMember * plan,
    release: perMember * release,
    greet: cpu * greet,
    reserve: cpu * reserve,
    adopt: cpu * adopt,
  };
}

/** Of each the part that it has in the sum; noise may make one negative. */
function shares(values: readonly [number, number, number]): [number, number, number] {
  const [a, b, c] = values.map((value) => Math.max(0, value)) as [number, number, number];
  const sum = a + b + c;
  return sum > 0 ? [a / sum, b / sum, c / sum] : [1 / 3, 1 / 3, 1 / 3];
}

function slopeOf(rows: readonly Row[], of: (row: Row) => number): number {
  return fit(rows.map((row) => [row.ranks, of(row)])).slope;
}

function times({ results: { ranks } }: Figures): string {
  const costs = costsOf(ranks);
  const spread = ranks.rows.at(-1)?.ours.tail;
  const rows = jobs.map(({ ranks: count, cores, nodes }) => {
    const tail = simulateTail(count, cores, costs);
    const worst =
      nodes > 1 && spread
        ? expectedMaximum(
            tail,
            (tail * spread.low) / spread.median,
            (tail * spread.high) / spread.median,
            nodes,
          )
        : tail;
    return [
      `${nodes.toLocaleString('en-US')} × ${count} ranks, ${cores} cores a node`,
      time(tail),
      time(worst),
      time(count * (costs.admit + costs.plan + costs.release)),
      time(costs.load),
    ];
  });
  return table([['simulated', 'tail', 'slowest node', 'leader, for its members', 'load'], ...rows]);
}

/** The same simulation of what was measured: how far it is to be trusted. */
function check({ about: { cores }, results: { ranks } }: Figures): string {
  const costs = costsOf(ranks);
  const rows = ranks.rows.map(({ ranks: count, ours }) => {
    const tail = simulateTail(count, cores, costs);
    return [
      `${count} ranks, ${cores} cores`,
      (tail / ours.tail.median).toFixed(2),
      time(tail),
      time(ours.tail.median),
    ];
  });
  return table([['checked', '÷ measured', 'simulated', 'measured'], ...rows]);
}

function space({ results: { compare } }: Figures): string {
  const cases = (compare ?? []).flatMap((each) => {
    const ours = each.measured.find(({ contender }) => contender === 'share')?.memory;
    const alone = each.measured.find(
      ({ contender }) => contender === 'discover' || contender === 'xml',
    )?.memory;
    return ours === undefined ? [] : [{ ...each, ours, alone }];
  });
  const rows = cases.map(({ input, pus, bytes, ranks, ours, alone }) => [
    `${input}, ${pus} PUs, ${ranks} ranks`,
    memory(bytes / 1024),
    memory(ours.mappingPrivate),
    memory(ours.before),
    ...(alone === undefined
      ? ['-', '-']
      : [memory(alone.grown), memory(512 * alone.grown - bytes / 1024 - 512 * ours.mappingPrivate)]),
  ]);
  const head = [
    'memory',
    '/dev/shm, once',
    'private, a rank',
    'a rank’s Node',
    'a copy, a rank',
    'saved by 512 ranks',
  ];
  return rows.length === 0 ? '' : table([head, ...rows]);
}

function requests({ results }: Figures): string {
  const files = results.import?.files;
  if (files === undefined) return '';
  const each = (count: number) => [
    count.toLocaleString('en-US'),
    ...requestRates.map((rate) => time((count / rate) * 1000)),
  ];
  const rows = [128, 1000, 128_000].flatMap((ranks) => [
    [`${ranks.toLocaleString('en-US')} imports of hwloc-share`, ...each(ranks * files.requests)],
    [`${ranks.toLocaleString('en-US')} starts of Node`, ...each(ranks * files.bareRequests)],
  ]);
  const head = [
    'requests that name a file',
    'requests',
    ...requestRates.map((rate) => `at ${rate.toLocaleString('en-US')}/s`),
  ];
  return table([head, ...rows]);
}
