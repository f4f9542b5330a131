// The table of benchmarks. Each is a file of its own; those named on the command line are run, or all.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findCommand } from '../test/support/commands.js';
import type { Bench, Benchmark } from './benchmark.js';
import { Inputs } from './jobs/inputs.js';
import { compilePeers } from './jobs/peers.js';
import { productIn } from './jobs/product.js';
import { type Options, parseOptions, usage } from './options.js';
import { compare } from './suites/compare.js';
import { pages } from './suites/pages.js';
import { walk } from './suites/walk.js';
import { Budget } from './support/budget.js';
import { progressEnds } from './support/progress.js';

const benchmarks: readonly Benchmark[] = [compare, walk, pages];

/** @param root  The project's folder: what runs here is a copy of its sources. */
async function main([root = '', ...words]: readonly string[]): Promise<void> {
  const options = parseOptions(words);
  const unknown = options.names.filter((name) => !benchmarks.some((each) => each.name === name));
  if (unknown.length > 0) throw new Error(`no benchmark is called ${unknown.join(', ')}`);
  if (options.help) {
    console.log(
      `${usage}\n${benchmarks.map(({ name, about }) => `  ${name.padEnd(10)} ${about}`).join('\n')}`,
    );
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'hwloc-share-bench-'));
  const budget = new Budget(options.minutes);
  const product = productIn(resolve(options.package ?? root), join(root, 'bench'));
  const inputs = new Inputs(product, options.machines ?? join(root, '../shared/machines'));
  try {
    const peers = compilePeers(join(root, 'bench/peers'), folder, (text) => {
      budget.leaveOut(text);
    });
    const setting = { product, peers, mpirun: findCommand('mpirun.openmpi') };
    const say = (text: string) => {
      progressEnds();
      console.log(`${text}\n`);
    };
    await runAll({ options, setting, inputs, budget, say });
  } finally {
    inputs.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runAll(bench: Bench): Promise<void> {
  const { options, budget, say } = bench;
  const results: Record<string, unknown> = {};
  const load = [loadavg()];
  for (const benchmark of chosen(options)) {
    say(`${benchmark.name}: ${benchmark.about}`);
    results[benchmark.name] = await benchmark.run(bench);
  }
  load.push(loadavg());
  if (budget.leftOut.length > 0) say(`left out:\n${budget.leftOut.map((text) => `  ${text}`).join('\n')}`);
  const all = { load, results, leftOut: budget.leftOut };
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(all, null, 1)}\n`);
}

function chosen({ names }: Options): readonly Benchmark[] {
  return names.length === 0 ? benchmarks : benchmarks.filter(({ name }) => names.includes(name));
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  progressEnds();
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
