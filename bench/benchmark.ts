// What a benchmark is, and what it is given.

import type { Setting } from './jobs/contenders.js';
import type { Inputs } from './jobs/inputs.js';
import type { Options } from './options.js';
import type { Budget } from './support/budget.js';

/** What a benchmark works with. */
export interface Bench {
  readonly options: Options;
  readonly setting: Setting;
  readonly inputs: Inputs;
  readonly budget: Budget;
  /** Prints what was found. */
  readonly say: (text: string) => void;
}

/** A benchmark: it prints what it finds as it goes, and gives it as what may become JSON. */
export interface Benchmark {
  readonly name: string;
  readonly about: string;
  run(bench: Bench): Promise<unknown>;
}
