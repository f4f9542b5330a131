// What the wrapper adds to the wall-clock of a command, beside the start of Node itself.

import { spawnSync } from 'node:child_process';
import { findCommand } from '../../test/support/commands.js';
import { type Slurm, startSlurm } from '../../test/launchers/slurm.js';
import type { Bench, Benchmark } from '../benchmark.js';
import { interleave } from '../jobs/interleave.js';
import { type Summary, median, summarise } from '../support/statistics.js';
import { digits, table, time } from '../support/table.js';

/** Runs take some ten ms each: more of them cost little. */
const times = 3;

/** A command without the wrapper, and with it. */
interface Pair {
  readonly name: string;
  readonly bare: readonly string[];
  readonly options: readonly string[];
}

/** ms of wall-clock. */
interface Row {
  readonly name: string;
  readonly options: string;
  readonly bare: Summary;
  readonly wrapped: Summary;
  /** The median of what each run took longer than its neighbour without the wrapper; and that against `node -e 0`. */
  readonly added: number;
  readonly ratio: number;
}

export const wrapper: Benchmark = {
  name: 'wrapper',
  about: 'what the wrapper adds to a command, as a multiple of `node -e 0` (wanted: 1.6 at most)',
  weight: 2,
  async run(bench) {
    const slurm = findCommand('slurmctld') === undefined ? undefined : await startSlurm();
    if (slurm === undefined) bench.budget.leaveOut('srun true: there is no Slurm here');
    try {
      return await measure(bench, slurm);
    } finally {
      await slurm?.stop();
    }
  },
};

async function measure({ setting, options, budget, say }: Bench, slurm: Slurm | undefined) {
  const env = { ...process.env, ...slurm?.env };
  const pairs = pairsOf(setting.mpirun, slurm !== undefined);
  const node = [process.execPath, '-e', '0'];
  const entries = [
    { name: 'node', words: node },
    ...pairs.flatMap(({ name, bare, options: ours }) => [
      { name: `${name} bare`, words: bare },
      { name: `${name} wrapped`, words: [...setting.product.command, ...ours, ...bare] },
    ]),
  ].map(({ name, words }) => ({
    name,
    about: name,
    run: (limit: number) => Promise.resolve(wallClock(words, env, limit)),
  }));
  const outcomes = await interleave('wrapper', entries, options.runs * times, budget);
  const of = (name: string) => outcomes?.get(name)?.results ?? [];
  const nodes = of('node');
  if (nodes.length === 0) return { data: undefined };
  const start = summarise(nodes);
  const rows = pairs.flatMap(({ name, options: ours }): Row[] => {
    const [bare, wrapped] = [of(`${name} bare`), of(`${name} wrapped`)];
    if (bare.length === 0 || wrapped.length === 0) return [];
    const added = median(
      wrapped.map((took, run) => took - (bare[run] ?? NaN)).filter((value) => !Number.isNaN(value)),
    );
    const summaries = { bare: summarise(bare), wrapped: summarise(wrapped) };
    return [{ name, options: ours.join(' '), ...summaries, added, ratio: added / start.median }];
  });
  say(show(rows, start));
  for (const entry of entries) {
    for (const failure of outcomes?.get(entry.name)?.failures ?? [])
      say(`  ${entry.name}: a run failed: ${failure}`);
  }
  return { data: { node: start, rows } };
}

function pairsOf(mpirun: string | undefined, haveSlurm: boolean): Pair[] {
  const asRoot = process.getuid?.() === 0 ? ['--allow-run-as-root'] : [];
  const launchers: (readonly [string, readonly string[]])[] = [['true', ['true']]];
  if (mpirun !== undefined) launchers.push(['mpirun -n 1 true', [mpirun, ...asRoot, '-n', '1', 'true']]);
  if (haveSlurm) launchers.push(['srun true', [findCommand('srun') ?? 'srun', 'true']]);
  const few = ['--timeout', '60'];
  const many = ['--verbose', '--timeout', '60', '--io', 'none', '--hole', 'biggest'];
  return launchers.flatMap(([name, bare]) => [
    { name, bare, options: [] },
    { name: `${name}, an option`, bare, options: few },
    { name: `${name}, four options`, bare, options: many },
  ]);
}

/** ms from start to end. */
function wallClock(words: readonly string[], env: NodeJS.ProcessEnv, limit: number): number {
  const [file = '', ...args] = words;
  const started = process.hrtime.bigint();
  const { status, stderr, error } = spawnSync(file, args, {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: limit,
  });
  const took = Number(process.hrtime.bigint() - started) / 1e6;
  if (status !== 0) throw new Error(`status ${status}: ${error?.message ?? stderr.toString().slice(-500)}`);
  return took;
}

function show(rows: readonly Row[], node: Summary): string {
  const head = ['', 'added ÷ node -e 0', 'added', 'bare', 'wrapped', 'quartiles'];
  const cells = rows.map(({ name, added, ratio, bare, wrapped }) => [
    name,
    digits(ratio),
    time(added),
    time(bare.median),
    time(wrapped.median),
    `${digits(wrapped.low)}–${digits(wrapped.high)}`,
  ]);
  return `${table([head, ...cells])}\n  node -e 0 takes ${time(node.median)}; medians of ${node.runs} runs`;
}
