// One node's join, simulated: a leader and its members as processes that need CPU, on so many cores, step by step as the protocol goes.

/** What the steps of a join cost, in ms of CPU. */
export interface Costs {
  /** The leader's discovery, on a thread of its own. */
  readonly load: number;
  /** What else the leader does once, between the last greeting and the release. */
  readonly once: number;
  /** What the leader does for each member: lets it in and reads its ranges; sends the plan and reads the answer; releases it. */
  readonly admit: number;
  readonly plan: number;
  readonly release: number;
  /** What each member does: arrives and greets; reserves; adopts. */
  readonly greet: number;
  readonly reserve: number;
  readonly adopt: number;
}

/** Work for the cores, first come first served. */
class Cores {
  /** When each is free. */
  readonly #free: number[];

  constructor(count: number) {
    this.#free = Array.from({ length: count }, () => 0);
  }

  /** @returns when a piece of work that could begin at `from` is done. */
  run(from: number, cost: number): number {
    let first = 0;
    for (let core = 1; core < this.#free.length; core++) {
      if ((this.#free[core] ?? 0) < (this.#free[first] ?? 0)) first = core;
    }
    const end = Math.max(from, this.#free[first] ?? 0) + cost;
    this.#free[first] = end;
    return end;
  }
}

/**
 * The tail of a join in which all ranks call at time 0, in ms.
 *
 * Each round ends when its last member is heard, as in the protocol: greetings and the load, reservations and the write, release.
 * Within a round members work side by side, as far as there are cores, and the leader serves them one after another.
 */
export function simulateTail(ranks: number, cores: number, costs: Costs): number {
  const pool = new Cores(cores);
  const members = ranks - 1;

  const loaded = pool.run(0, costs.load);
  const greeted = served(
    pool,
    Array.from({ length: members }, () => pool.run(0, costs.greet)),
    costs.admit,
  );
  const planned = pool.run(Math.max(loaded, greeted), costs.once / 2);

  const reserved: number[] = [];
  let leader = planned;
  for (let member = 0; member < members; member++) {
    leader = pool.run(leader, costs.plan / 2);
    reserved.push(pool.run(leader, costs.reserve));
  }
  leader = pool.run(leader, costs.once / 2);
  leader = Math.max(leader, served(pool, reserved, costs.plan / 2));

  let last = leader;
  for (let member = 0; member < members; member++) {
    leader = pool.run(leader, costs.release);
    last = Math.max(last, pool.run(leader, costs.adopt));
  }
  return Math.max(last, leader);
}

/** When the leader, alone, has dealt with all that reaches it at these times. */
function served(pool: Cores, arrivals: readonly number[], cost: number): number {
  let leader = 0;
  for (const arrival of [...arrivals].sort((a, b) => a - b))
    leader = pool.run(Math.max(leader, arrival), cost);
  return leader;
}

/** The expected largest of so many draws from a lognormal spread with these quartiles: one late node holds up the job. */
export function expectedMaximum(median: number, low: number, high: number, draws: number): number {
  // The quartiles of a normal distribution lie 0.6745 sigma from its middle.
  const sigma = Math.log(Math.max(high / low, 1)) / (2 * 0.6745);
  // Blom's approximation of where the largest of so many lies.
  return median * Math.exp(sigma * normalQuantile((draws - 0.375) / (draws + 0.25)));
}

/** Abramowitz and Stegun, 26.2.23; to three digits, which is more than the rest has. */
function normalQuantile(part: number): number {
  if (part < 0.5) return -normalQuantile(1 - part);
  const t = Math.sqrt(-2 * Math.log(1 - part));
  return (
    t -
    (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t ** 3)
  );
}
