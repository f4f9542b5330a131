// Adoption in a rank, once released: the same whatever the size of the machine.

import type { Benchmark } from '../benchmark.js';
import { contender } from '../jobs/contenders.js';
import { interleave } from '../jobs/interleave.js';
import type { Run } from '../jobs/results.js';
import { runOnce } from '../jobs/run-once.js';
import { type Summary, summarise } from '../support/statistics.js';
import { digits, table, time } from '../support/table.js';

const sizes = ['2', '64', '512', '4096', '16384'];
const inOurs = contender('share-local');
const inC = contender('floor');

/** ms. */
interface Row {
  readonly pus: number;
  readonly bytes: number;
  readonly adopt: Summary;
  readonly inC: Summary | undefined;
  /** The leader's phases `load` and `write`: what the others are spared. */
  readonly load: Summary;
  readonly write: Summary;
}

export const adopt: Benchmark = {
  name: 'adopt',
  about:
    'adopting in a rank once it is released, by the size of the machine (wanted: 100 µs at most, the same for all)',
  weight: 2,
  async run({ options, setting, inputs, budget, say }) {
    const rows: Row[] = [];
    for (const size of options.inputs.length > 0 ? options.inputs : sizes) {
      const input = inputs.find(size);
      if (input === undefined) throw new Error(`no machine is called ${size}`);
      const entries = [inOurs, inC].map((each) => ({
        name: each.name,
        about: each.about,
        run: (limit: number) => runOnce(setting, each, { input, ranks: 2 }, limit),
      }));
      const outcomes = await interleave(`adopt, ${input.name}`, entries, options.runs, budget);
      const phase = (name: string, rank: number, of = inOurs.name) =>
        (outcomes?.get(of)?.results ?? []).map((run) => phaseOf(run, name, rank));
      if (phase('adopt', 1).length === 0) continue;
      const floor = phase('adopt', 1, inC.name);
      rows.push({
        pus: input.pus,
        bytes: input.bytes,
        adopt: summarise(phase('adopt', 1)),
        inC: floor.length > 0 ? summarise(floor) : undefined,
        load: summarise(phase('load', 0)),
        write: summarise(phase('write', 0)),
      });
    }
    say(show(rows));
    return { data: rows, plots: rows.length < 3 ? [] : [plotOf(rows)] };
  },
};

function phaseOf({ ranks }: Run, name: string, rank: number): number {
  return ranks.find((each) => each.rank === rank)?.phases[name] ?? NaN;
}

function show(rows: readonly Row[]): string {
  const first = rows[0]?.adopt.median ?? NaN;
  const head = ['PUs', '÷ smallest', '÷ C', 'adopting', 'quartiles, µs', 'in C', 'load, once', 'write, once'];
  const cells = rows.map(({ pus, adopt, inC, load, write }) => [
    pus.toLocaleString('en-US'),
    digits(adopt.median / first),
    inC === undefined ? '-' : digits(adopt.median / inC.median),
    time(adopt.median),
    `${digits(adopt.low * 1000)}–${digits(adopt.high * 1000)}`,
    inC === undefined ? '-' : time(inC.median),
    time(load.median),
    time(write.median),
  ]);
  return table([head, ...cells]);
}

function plotOf(rows: readonly Row[]) {
  const series = (label: string, of: (row: Row) => Summary | undefined, isOurs = false) => ({
    label,
    isOurs,
    points: rows.flatMap((row) => {
      const found = of(row);
      return found === undefined ? [] : [{ x: row.pus, y: found.median, low: found.low, high: found.high }];
    }),
  });
  return {
    name: 'adopt',
    title: 'Getting a topology, against the size of the machine',
    x: 'PUs of the machine',
    y: 'time',
    unit: 'ms' as const,
    series: [
      series('adopting, in each rank', ({ adopt }) => adopt, true),
      series('adopting, in C', ({ inC }) => inC),
      series('loading, in the leader', ({ load }) => load),
      series('writing, in the leader', ({ write }) => write),
    ].filter(({ points }) => points.length > 0),
  };
}
