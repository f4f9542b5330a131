// What the ranks of one run told, and what that makes of the run.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One rank's file. Times are of CLOCK_MONOTONIC, in ns, which is one clock for all processes; CPU is in µs. */
export interface RankResult {
  readonly rank: number;
  readonly how: string;
  readonly reason?: string;
  /** When it called `join()`, and when it had its topology. */
  readonly called: string;
  readonly got: string;
  readonly cpuReady: number;
  readonly cpuJoin: number;
  readonly cpuAll: number;
  /** ms */
  readonly phases: Readonly<Record<string, number>>;
  readonly memory?: MemoryResult;
}

/** KiB. */
export interface MemoryResult {
  /** Private memory of the process before the join. */
  readonly before: number;
  /** The same after it, less that. */
  readonly grown: number;
  /** Of the mapping that is shared; 0 where nothing is. */
  readonly mappingPss: number;
  readonly mappingPrivate: number;
}

/** One run of a job. Times in ms. */
export interface Run {
  /** From the last rank's call to the last rank's topology. */
  readonly tail: number;
  /** From the first rank's call to the last rank's topology. */
  readonly makespan: number;
  /** From the start of the command to its end; undefined where that did not end by itself. */
  readonly wall: number | undefined;
  readonly ranks: readonly RankResult[];
  /** How many ranks did not get their topology in the way that was meant. */
  readonly strays: number;
  /** What came on stderr: of hwloc-share, nothing as long as all goes well. */
  readonly said: string;
}

/** @throws Error  if a rank has told nothing. */
export function readRanks(folder: string, count: number): RankResult[] {
  return Array.from({ length: count }, (_, rank) => {
    const file = join(folder, `rank.${rank}.json`);
    if (!existsSync(file)) throw new Error(`rank ${rank} has told nothing`);
    return JSON.parse(readFileSync(file, 'utf8')) as RankResult;
  });
}

/** The tail and the makespan of what the ranks told. */
export function timesOf(
  ranks: readonly Pick<RankResult, 'called' | 'got'>[],
): Pick<Run, 'tail' | 'makespan'> {
  const called = ranks.map((rank) => BigInt(rank.called)).sort(compare);
  const got = ranks.map((rank) => BigInt(rank.got)).sort(compare);
  const [first, lastCall, last] = [called[0], called.at(-1), got.at(-1)];
  if (first === undefined || lastCall === undefined || last === undefined) throw new RangeError('no ranks');
  return { tail: Number(last - lastCall) / 1e6, makespan: Number(last - first) / 1e6 };
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
