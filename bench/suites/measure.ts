// Measuring: the time of one run, and what it leaves for the garbage collector.

/** Nanoseconds of one call when warm: the best of several rounds, since others use the machine, too. */
export function nanoseconds(body: () => unknown, rounds = 15, milliseconds = 30): number {
  const times = 1 + Math.floor((milliseconds * 1e6) / Math.max(once(body, 3), 1));
  let best = Infinity;
  for (let round = 0; round < rounds; round++) best = Math.min(best, once(body, times));
  return best;
}

function once(body: () => unknown, times: number): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < times; i++) body();
  return Number(process.hrtime.bigint() - start) / times;
}

/** What calls leave behind, in bytes a call: to be collected, and not even then. */
export interface Garbage {
  readonly perCall: number;
  readonly kept: number;
}

/** Needs `--expose-gc`. Calls must be warm already. */
export function garbage(body: () => unknown): Garbage {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('run with node --expose-gc');
  const heap = () => process.memoryUsage().heapUsed;
  const run = (calls: number) => {
    for (let i = 0; i < calls; i++) body();
  };
  // Few enough calls that nothing is collected meanwhile, less what the measuring itself leaves.
  const left = (calls: number) => {
    collect();
    const before = heap();
    run(calls);
    return heap() - before;
  };
  const kept = (calls: number) => {
    run(calls);
    collect();
    return heap();
  };
  left(1);
  const perCall = (left(21) - left(1)) / 20;
  const before = kept(1);
  return { perCall, kept: (kept(200) - before) / 200 };
}
