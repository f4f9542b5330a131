// The census: who is on this node, where the launcher does not tell how many. The ranks are those that the process table shows.

import type { Expected } from './expected.js';
import { now } from './now.js';
import type { Placed } from './placed.js';
import { sightings } from './sightings.js';
import { startsOf, ticks, timeInTicks } from './starts.js';

/**
 * Seconds in which nobody must have been started before the census is taken for complete. A launcher starts the ranks of a node one
 * after another, some milliseconds apart.
 */
const quiet = 0.1;

/** On a crowded node it takes longer from one to the next: as a share of the time from the first to the last. */
const quietShare = 1 / 4;

/** Looking at all processes of a node may take a tenth of our time. */
const rest = 10;

/** The ranks of this rank's job step that were seen on this node. */
export class Census implements Expected {
  readonly isOpen = true;
  readonly #identity: Placed;
  readonly #job: string | undefined;
  readonly #seen = new Set<number>();
  #isQuiet = false;
  #nextLook = 0;

  /** @param job  The wrapper's name for the job, which its ranks have beside the launcher's. */
  constructor(identity: Placed, job: string | undefined) {
    this.#identity = identity;
    this.#job = job;
  }

  all(): readonly number[] {
    return [...this.#seen].sort((a, b) => a - b);
  }

  has(localRank: number): boolean {
    const { localRank: own, size = Infinity } = this.#identity;
    return localRank !== own && localRank < size;
  }

  isSettled(): boolean {
    return this.#isQuiet || this.#seen.size + 1 === this.#identity.size;
  }

  look(): void {
    const time = now();
    if (time < this.#nextLook) return;
    const before = process.cpuUsage();
    try {
      const starts = startsOf(this.#identity, sightings(this.#identity, this.#job));
      for (const localRank of starts.keys()) if (this.has(localRank)) this.#seen.add(localRank);
      this.#isQuiet = isQuiet([...starts.values()]);
    } catch {
      // No process table: nobody will ever be seen.
      this.#isQuiet = true;
    }
    const { user, system } = process.cpuUsage(before);
    this.#nextLook = time + (rest * (user + system)) / 1000;
  }

  describe(): string {
    return 'other ranks of this node';
  }
}

/** Whether those who start ranks have not started one for long enough. @param starts  In clock ticks. */
function isQuiet(starts: readonly number[]): boolean {
  const [first, last] = [Math.min(...starts), Math.max(...starts)];
  return timeInTicks() - last >= Math.max(quiet * ticks, quietShare * (last - first));
}
