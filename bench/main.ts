// The table of benchmarks. Each is a file of its own; those named on the command line are run, or all.

import { pages } from './pages.js';
import { walk } from './walk.js';

/** A benchmark: it prints what it finds as it goes. */
export interface Benchmark {
  readonly name: string;
  readonly about: string;
  run(): Promise<void>;
}

const benchmarks: readonly Benchmark[] = [walk, pages];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !benchmarks.some((each) => each.name === name));
if (unknown.length > 0) {
  console.error(`no benchmark is called ${unknown.join(', ')}; there are:`);
  for (const { name, about } of benchmarks) console.error(`  ${name}: ${about}`);
  process.exitCode = 2;
} else {
  for (const benchmark of benchmarks) {
    if (wanted.length > 0 && !wanted.includes(benchmark.name)) continue;
    console.log(`\n${benchmark.name}: ${benchmark.about}`);
    await benchmark.run();
  }
}
