// Interleaved runs: each round runs everything once, so that what disturbs the machine disturbs all alike.

import type { Budget } from '../support/budget.js';
import { progress } from '../support/progress.js';
import { median } from '../support/statistics.js';
import { time } from '../support/table.js';

/** One thing that is run again and again. */
export interface Entry<Result> {
  readonly name: string;
  readonly about: string;
  /** @param limit  Milliseconds after which it should give up. @returns undefined where what it takes is not there. */
  run(limit: number): Promise<Result | undefined>;
}

/** What came of it. */
export interface Outcomes<Result> {
  readonly results: readonly Result[];
  readonly failures: readonly string[];
}

/** Fewer runs than this give no median that is worth its name. */
export const fewest = 3;

/** Milliseconds that one run may take: beyond what is likely, and at most, on a machine that others use, too. */
const patience = 30_000;
const mostPatience = 180_000;

/** So many failures are enough to give up on one thing. */
const mostFailures = 3;

/**
 * Runs everything so often, or as often as the time allows.
 *
 * After the first round it is known what a round takes. Where the time does not suffice, what takes far longer than the rest is
 * not run again; then there are fewer rounds; and where even {@link fewest} do not fit, that is left out as a whole.
 *
 * @returns by the names of the entries; undefined if all was left out.
 */
export async function interleave<Result>(
  title: string,
  entries: readonly Entry<Result>[],
  runs: number,
  budget: Budget,
): Promise<Map<string, Outcomes<Result>> | undefined> {
  const states = entries.map((entry) => ({
    entry,
    results: [] as Result[],
    failures: [] as string[],
    took: 0,
  }));
  let going = states;
  let rounds = entries.length === 0 ? 0 : runs;
  for (let round = 0; round < rounds; round++) {
    // Each begins as often as any other.
    const order = going.map((_, index) => going[(index + round) % going.length]);
    for (const state of order) {
      if (state === undefined || state.failures.length >= mostFailures) continue;
      progress(title, `${state.entry.about}, run ${round + 1} of ${rounds}`);
      const started = performance.now();
      try {
        const limit = Math.round(Math.min(patience + 3 * state.took, mostPatience));
        const result = await state.entry.run(limit);
        if (result !== undefined) state.results.push(result);
      } catch (error) {
        state.failures.push(error instanceof Error ? error.message : String(error));
      }
      state.took = performance.now() - started;
    }
    if (round > 0 || runs === 1) continue;
    const plan = fitted(going, runs - 1, budget.left);
    for (const { entry, took } of plan.dropped) {
      budget.leaveOut(`${title}: ${entry.about}: only one run, of ${time(took)}`);
    }
    going = plan.kept;
    rounds = 1 + plan.rounds;
    if (rounds < Math.min(runs, fewest)) {
      budget.leaveOut(`${title}: a round takes ${time(sum(going))}`);
      return undefined;
    }
    if (rounds < runs) budget.leaveOut(`${title}: ${rounds} runs instead of ${runs}`);
  }
  return new Map(states.map(({ entry, results, failures }) => [entry.name, { results, failures }]));
}

interface Cost {
  readonly took: number;
}

/** What can be run in the time that is left: which of them, and how many rounds. */
export function fitted<State extends Cost>(
  states: readonly State[],
  rounds: number,
  left: number,
): { kept: State[]; dropped: State[]; rounds: number } {
  const usual = median(states.map(({ took }) => took));
  const kept = [...states].sort((a, b) => a.took - b.took);
  const dropped: State[] = [];
  const fit = () => Math.min(rounds, Math.floor(left / Math.max(sum(kept), 1)));
  while (fit() < rounds && (kept.at(-1)?.took ?? 0) > 3 * usual) dropped.push(...kept.splice(-1));
  return { kept: states.filter((state) => kept.includes(state)), dropped, rounds: fit() };
}

function sum(states: readonly Cost[]): number {
  return states.reduce((total, { took }) => total + took, 0);
}
