// hwloc-share against what a user would do instead: tail, makespan, CPU, memory and wall-clock, interleaved.

import type { Bench, Benchmark } from '../benchmark.js';
import { type Contender, contender, contenders } from '../jobs/contenders.js';
import type { Input } from '../jobs/inputs.js';
import { interleave } from '../jobs/interleave.js';
import { type Measured, cpuOfProcess, measuredOf } from '../jobs/measured.js';
import { runOnce } from '../jobs/run-once.js';
import { type CaseResult, plotsOf } from './compare-plots.js';
import { show } from './compare-table.js';
import { median } from '../support/statistics.js';

/** The goals' cases first, then those that show how costs grow; as many as the time allows. */
const defaultCases: readonly (readonly [input: string, ranks: number])[] = [
  ['192em64t', 64],
  ['128arm', 64],
  ['192em64t', 2],
  ['192em64t', 8],
  ['192em64t', 16],
  ['192em64t', 32],
  ['512', 16],
  ['4096', 16],
  ['16384', 16],
  ['this', 16],
  ['128arm', 16],
  ['192em64t', 128],
  ['192em64t', 256],
  ['128arm', 2],
  ['128arm', 8],
  ['128arm', 32],
  ['128arm', 128],
  ['128arm', 256],
];

/** Ranks that only import: what CPU is counted from. */
const control = 'import';

/** Memory is much the same in each run. */
const memoryRuns = 2;

export const compare: Benchmark = {
  name: 'compare',
  about: 'the tail, and all other costs, of hwloc-share and of what a user would do instead',
  weight: 8,
  async run(bench) {
    const chosen = bench.options.contenders.length > 0 ? bench.options.contenders.map(contender) : contenders;
    const results: CaseResult[] = [];
    for (const [name, ranks] of casesOf(bench)) {
      const input = bench.inputs.find(name);
      if (input === undefined) {
        bench.budget.leaveOut(`${name} with ${ranks} ranks: no such machine is recorded here`);
        continue;
      }
      const result = await measure(bench, input, ranks, chosen);
      if (result === undefined) continue;
      results.push(result);
      bench.say(show(result));
    }
    return { data: results, plots: plotsOf(results) };
  },
};

function casesOf({ options: { inputs, ranks } }: Bench): readonly (readonly [string, number])[] {
  if (inputs.length === 0 && ranks.length === 0) return defaultCases;
  const wanted = inputs.length > 0 ? inputs : ['192em64t', '128arm'];
  return wanted.flatMap((input) =>
    (ranks.length > 0 ? ranks : [2, 8, 32, 64]).map((count) => [input, count] as const),
  );
}

async function measure(
  { setting, options, budget }: Bench,
  input: Input,
  ranks: number,
  chosen: readonly Contender[],
): Promise<CaseResult | undefined> {
  const title = `${input.name}, ${ranks} ranks`;
  const suiting = chosen.filter((each) => each.suits(input));
  const entry = (each: Contender, memory: boolean) => ({
    name: each.name,
    about: each.about,
    run: (limit: number) => runOnce(setting, each, { input, ranks, memory }, limit),
  });

  const timed = await interleave(
    title,
    suiting.map((each) => entry(each, false)),
    options.runs,
    budget,
  );
  if (timed === undefined) return undefined;
  // What was worth one run only is not worth a second one for its memory.
  const weighed = suiting.filter(({ name, memory }) => memory && runsOf(timed, name).length > 1);
  const weights = await interleave(
    `${title}, memory`,
    weighed.map((each) => entry(each, true)),
    Math.min(memoryRuns, options.runs),
    budget,
  );

  const controls = runsOf(timed, control);
  const imported = controls.length > 0 ? median(controls.map(cpuOfProcess)) : undefined;
  const measured = suiting.flatMap((each): Measured[] => {
    const outcomes = timed.get(each.name);
    const found = outcomes && measuredOf(each, outcomes, runsOf(weights, each.name), imported);
    return found === undefined ? [] : [found];
  });
  const { name, kind, pus, objects, bytes } = input;
  return { input: name, kind, pus, objects, bytes, ranks, imported, measured };
}

function runsOf<Result>(
  all: ReadonlyMap<string, { readonly results: readonly Result[] }> | undefined,
  name: string,
): readonly Result[] {
  return all?.get(name)?.results ?? [];
}
