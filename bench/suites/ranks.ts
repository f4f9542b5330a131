// How the tail, and the leader's time, grow with the ranks of a node: 2 to 256.

import type { Benchmark } from '../benchmark.js';
import { contender } from '../jobs/contenders.js';
import { interleave } from '../jobs/interleave.js';
import { type Measured, measuredOf } from '../jobs/measured.js';
import { runOnce } from '../jobs/run-once.js';
import type { Plot, Series } from '../support/plot.js';
import { type Line, type Summary, fit } from '../support/statistics.js';
import { digits, table, time } from '../support/table.js';

const counts = [2, 4, 8, 16, 32, 64, 128, 256];
const own = contender('share-local');
const floor = contender('floor');

/** With so many ranks. */
export interface Row {
  readonly ranks: number;
  readonly ours: Measured;
  readonly floor: Measured | undefined;
}

/** What was found. */
export interface RanksCost {
  readonly input: string;
  readonly rows: readonly Row[];
  /** undefined of a single row. */
  readonly lines: Lines | undefined;
}

export const ranks: Benchmark = {
  name: 'ranks',
  about:
    'the tail against the ranks of a node, and the leader’s CPU for each of them (wanted: linear, 150 µs at most)',
  weight: 4,
  async run({ options, setting, inputs, budget, say }) {
    const input = inputs.find(options.inputs[0] ?? '192em64t') ?? inputs.find('512');
    if (input === undefined) throw new Error(`no machine is called ${options.inputs[0] ?? ''}`);
    const rows: Row[] = [];
    for (const count of options.ranks.length > 0 ? options.ranks : counts) {
      const entries = [own, floor].map((each) => ({
        name: each.name,
        about: each.about,
        run: (limit: number) => runOnce(setting, each, { input, ranks: count }, limit),
      }));
      const outcomes = await interleave(`${input.name}, ${count} ranks`, entries, options.runs, budget);
      const measured = [own, floor].map((each) => {
        const found = outcomes?.get(each.name);
        return found && measuredOf(each, found, [], undefined);
      });
      if (measured[0] !== undefined) rows.push({ ranks: count, ours: measured[0], floor: measured[1] });
    }
    const lines = rows.length > 1 ? linesOf(rows) : undefined;
    say(show(rows, lines));
    return { data: { input: input.name, rows, lines } satisfies RanksCost, plots: plotsOf(input.name, rows) };
  },
};

/** Of the tail, and of the leader's CPU, in ms against ranks. */
export interface Lines {
  readonly tail: Line;
  readonly leader: Line;
}

function linesOf(rows: readonly Row[]): Lines {
  return {
    tail: fit(rows.map(({ ranks, ours }) => [ranks, ours.tail.median])),
    leader: fit(rows.map(({ ranks, ours }) => [ranks, ours.cpuLeader.median])),
  };
}

function show(rows: readonly Row[], lines: Lines | undefined): string {
  const head = [
    'ranks',
    'tail ÷ floor',
    'tail',
    'quartiles',
    'tail ÷ rank',
    'leader CPU',
    'member CPU',
    'floor’s tail',
  ];
  const cells = rows.map(({ ranks, ours, floor }) => [
    String(ranks),
    floor === undefined ? '-' : digits(ours.tail.median / floor.tail.median),
    time(ours.tail.median),
    `${digits(ours.tail.low)}–${digits(ours.tail.high)}`,
    time(ours.tail.median / ranks),
    time(ours.cpuLeader.median),
    ours.cpuMember === undefined ? '-' : time(ours.cpuMember.median),
    floor === undefined ? '-' : time(floor.tail.median),
  ]);
  const notes = rows.flatMap(({ ranks, ours: { strays, failures } }) => [
    ...(strays > 0 ? [`  ${ranks} ranks: ${strays} did not share`] : []),
    ...failures.map((failure) => `  ${ranks} ranks: a run failed: ${failure}`),
  ]);
  if (lines !== undefined) {
    notes.push(
      `  the straight lines: tail ${time(lines.tail.intercept)} + ${time(lines.tail.slope)} a rank; ` +
        `leader’s CPU ${time(lines.leader.intercept)} + ${time(lines.leader.slope)} a rank`,
    );
  }
  return [table([head, ...cells]), ...notes].join('\n');
}

function plotsOf(input: string, rows: readonly Row[]): Plot[] {
  if (rows.length < 3) return [];
  const series = (label: string, of: (row: Row) => Summary | undefined, isOurs = false): Series => ({
    label,
    isOurs,
    points: rows.flatMap((row) => {
      const found = of(row);
      return found === undefined ? [] : [{ x: row.ranks, y: found.median, low: found.low, high: found.high }];
    }),
  });
  return [
    {
      name: 'ranks',
      title: `What a join costs, against the ranks of the node (${input})`,
      x: 'ranks',
      y: 'time',
      unit: 'ms' as const,
      series: [
        series('tail', ({ ours }) => ours.tail, true),
        series('CPU of the leader', ({ ours }) => ours.cpuLeader),
        series('CPU of a member', ({ ours }) => ours.cpuMember),
        series('tail of the floor (C, forked)', ({ floor }) => floor?.tail),
      ].filter(({ points }) => points.length > 0),
    },
  ];
}
