// The table of benchmarks. Each is a file of its own; those named on the command line are run, or all.

import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { findCommand } from '../test/support/commands.js';
import type { Bench, Benchmark } from './benchmark.js';
import { Inputs } from './jobs/inputs.js';
import { compilePeers } from './jobs/peers.js';
import { productIn } from './jobs/product.js';
import { type Options, parseOptions, usage } from './options.js';
import { adopt } from './suites/adopt.js';
import { compare } from './suites/compare.js';
import { imports } from './suites/import.js';
import { pages } from './suites/pages.js';
import { ranks } from './suites/ranks.js';
import { walk } from './suites/walk.js';
import { wrapper } from './suites/wrapper.js';
import { type About, aboutThis, describe, loadText, runOf } from './support/about.js';
import { Budget } from './support/budget.js';
import type { Plot } from './support/plot.js';
import { progressEnds } from './support/progress.js';
import { scratchFolder, sweepScratch } from './support/scratch.js';

/** In the order in which they are run. */
const benchmarks: readonly Benchmark[] = [imports, wrapper, adopt, walk, pages, ranks, compare];

/** @param root  The project's folder: what runs here is a copy of its sources. */
async function main([root = '', ...words]: readonly string[]): Promise<void> {
  const options = parseOptions(words);
  const unknown = options.names.filter((name) => !benchmarks.some((each) => each.name === name));
  if (unknown.length > 0) throw new Error(`no benchmark is called ${unknown.join(', ')}; see --help`);
  if (options.help) {
    console.log(
      `${usage}\n${benchmarks.map(({ name, about }) => `  ${name.padEnd(10)} ${about}`).join('\n')}`,
    );
    return;
  }
  sweepScratch();
  const programs = join(root, 'bench');
  const measured = resolve(options.package ?? root);
  const product = productIn(measured, programs);
  const budget = new Budget(options.minutes * 60_000);
  const peers = compilePeers(join(programs, 'peers'), scratchFolder(), (text) => {
    budget.leaveOut(text);
  });
  const setting = {
    product,
    other: options.against === undefined ? undefined : productIn(resolve(options.against), programs),
    peers,
    mpirun: findCommand('mpirun.openmpi'),
  };
  const inputs = new Inputs(product, options.machines ?? join(root, '../shared/machines'));
  await runAll({ options, setting, inputs, budget, say }, measured);
}

async function runAll(bench: Bench, measured: string): Promise<void> {
  const { options, budget } = bench;
  const about = aboutThis(measured);
  say(describe(about));
  const results: Record<string, unknown> = {};
  const plots: Plot[] = [];
  const load = [loadavg()];
  const names = chosen(options);
  for (const [index, benchmark] of names.entries()) {
    say(`${benchmark.name}: ${benchmark.about}`);
    const weights = names.slice(index).reduce((sum, { weight }) => sum + weight, 0);
    const findings = await benchmark.run({ ...bench, budget: budget.part(benchmark.weight / weights) });
    results[benchmark.name] = findings.data;
    plots.push(...(findings.plots ?? []));
    load.push(loadavg());
    // A long run that is broken off keeps what it has found so far.
    await write(options, { about, load, results, leftOut: budget.leftOut }, plots);
  }
  if (budget.leftOut.length > 0) say(`left out:\n${budget.leftOut.map((text) => `  ${text}`).join('\n')}`);
  say(`load at the end: ${loadText()}`);
}

async function write(
  { json, svg: folder }: Options,
  all: { readonly about: About; readonly [part: string]: unknown },
  plots: readonly Plot[],
): Promise<void> {
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(all, null, 1)}\n`);
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  if (plots.length === 0) return;
  // Vega takes half a second to load.
  const { svg } = await import('./support/plot.js');
  for (const plot of plots)
    writeFileSync(join(folder, `${plot.name}.svg`), await svg(plot, runOf(all.about)));
}

function chosen({ names }: Options): readonly Benchmark[] {
  return names.length === 0 ? benchmarks : benchmarks.filter(({ name }) => names.includes(name));
}

function say(text: string): void {
  progressEnds();
  console.log(`${text}\n`);
}

process.on('exit', sweepScratch);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));
try {
  await main(process.argv.slice(2));
} catch (error) {
  progressEnds();
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
