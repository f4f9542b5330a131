// What a benchmark is, what it is given, and what it gives.

import type { Setting } from './jobs/contenders.js';
import type { Inputs } from './jobs/inputs.js';
import type { Options } from './options.js';
import type { Budget } from './support/budget.js';
import type { Plot } from './support/plot.js';

/** What a benchmark works with. */
export interface Bench {
  readonly options: Options;
  readonly setting: Setting;
  readonly inputs: Inputs;
  readonly budget: Budget;
  /** Prints what was found. */
  readonly say: (text: string) => void;
}

/** What was found. */
export interface Findings {
  /** For the JSON. */
  readonly data: unknown;
  readonly plots?: readonly Plot[];
}

/** A benchmark: it prints what it finds as it goes. */
export interface Benchmark {
  readonly name: string;
  readonly about: string;
  /** Its part of the time, beside the others'. */
  readonly weight: number;
  run(bench: Bench): Promise<Findings>;
}
