// Who of this node's ranks lives, as the process table tells. A rank that ends before it has announced itself closes no pipe,
// and nobody should wait for it as long as for one that may still come.

import { type Keeper, isAlive, seesEveryProcess } from '../channel/place/index.js';
import { now } from './now.js';
import type { Placed } from './placed.js';
import { sightings } from './sightings.js';

/** Seconds between two looks of those who wait: a death shows within a second. */
export const lookEvery = 0.25;

/** So many looks of all ranks of a node together a second do not take much of it from those that are still to come. (Each looks once in it, however many there are.) */
const mostLooks = 128;

/** Seconds between two looks of a member of which the leader has not taken notice yet. */
export function lookPause(localSize: number | undefined): number {
  return Math.min(Math.max(lookEvery, (localSize ?? 0) / mostLooks), 1);
}

/** A process may be between fork and exec, or hand its part on to a child, when it is looked for. */
const looksEnough = 2;

/** Looking at all processes of a crowded node may take a tenth of our time. */
const rest = 10;

/** The processes of one local rank, by the variables that the launcher gave them. */
interface Sighting {
  processes: Keeper[];
  /** In how many looks, one after another, there was none that lives. */
  missed: number;
}

/** Watches the other ranks of this rank's job step on this node. */
export class Witness {
  readonly #identity: Placed;
  readonly #job: string | undefined;
  readonly #sightings = new Map<number, Sighting>();
  #nextLook = 0;

  /** @param job  The wrapper's name for the job, which its ranks have beside the launcher's. */
  constructor(identity: Placed, job: string | undefined) {
    this.#identity = identity;
    this.#job = job;
  }

  /** Looks for living processes of some local ranks. */
  look(localRanks: readonly number[]): void {
    const lost = localRanks.filter((localRank) => !this.#sighting(localRank).processes.some(lives));
    const time = now();
    if (lost.length === 0 || time < this.#nextLook) return;
    const before = process.cpuUsage();
    const found = sightings(this.#identity, this.#job);
    const { user, system } = process.cpuUsage(before);
    // On a node that hundreds of ranks keep busy, a look takes far longer than its CPU time, and the leader has other things to do.
    const after = now();
    this.#nextLook = Math.max(time + (rest * (user + system)) / 1000, after + (after - time));
    for (const localRank of lost) {
      const sighting = this.#sighting(localRank);
      const processes = found.get(localRank);
      sighting.missed = processes === undefined ? sighting.missed + 1 : 0;
      sighting.processes = processes ?? sighting.processes;
    }
  }

  /** Whether a local rank was there and is no more. */
  isDead(localRank: number): boolean {
    const { processes, missed } = this.#sighting(localRank);
    return processes.length > 0 && missed >= looksEnough;
  }

  /** Whether a local rank was never seen, though it would be if it lived: it is dead, or not yet started. */
  isNowhere(localRank: number): boolean {
    const { processes, missed } = this.#sighting(localRank);
    return processes.length === 0 && missed >= looksEnough && seesEveryProcess();
  }

  #sighting(localRank: number): Sighting {
    let sighting = this.#sightings.get(localRank);
    if (sighting === undefined) {
      sighting = { processes: [], missed: 0 };
      this.#sightings.set(localRank, sighting);
    }
    return sighting;
  }
}

function lives(keeper: Keeper): boolean {
  return isAlive(keeper) === true;
}
