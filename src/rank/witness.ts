// Who of this node's ranks lives, as the process table tells. A rank that ends before it has announced itself closes no pipe,
// and nobody should wait for it as long as for one that may still come.

import { readFileSync, readdirSync } from 'node:fs';
import { type Keeper, currentKeeper, isAlive, keeperOf } from '../channel/place/index.js';
import type { Environment } from '../environment/index.js';
import { type Identity, identify } from '../launcher/kinds/index.js';
import { now } from './now.js';

/** Seconds between two looks of those who wait: a death shows within a second. */
export const lookEvery = 0.25;

/** A process may be between fork and exec, or hand its part on to a child, when it is looked for. */
const looksEnough = 2;

/** Looking at all processes of a crowded node may take a tenth of our time. */
const rest = 10;

/** The PID namespace that sees all processes of the node: PROC_PID_INIT_INO in linux/proc_ns.h. */
const allSeeing = 'pid:[4026531836]';

/** The processes of one local rank, by the variables that the launcher gave them. */
interface Sighting {
  processes: Keeper[];
  /** In how many looks, one after another, there was none that lives. */
  missed: number;
}

/** Watches the other ranks of this rank's job step on this node. */
export class Witness {
  readonly #identity: Identity;
  readonly #job: string | undefined;
  readonly #sightings = new Map<number, Sighting>();
  #nextLook = 0;

  /** @param job  The wrapper's name for the job, which its ranks have beside the launcher's. */
  constructor(identity: Identity, job: string | undefined) {
    this.#identity = identity;
    this.#job = job;
  }

  /** Looks for living processes of some local ranks. */
  look(localRanks: readonly number[]): void {
    const lost = localRanks.filter((localRank) => !this.#sighting(localRank).processes.some(lives));
    const time = now();
    if (lost.length === 0 || time < this.#nextLook) return;
    const before = process.cpuUsage();
    const found = this.#find();
    const { user, system } = process.cpuUsage(before);
    this.#nextLook = time + (rest * (user + system)) / 1000;
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
    return processes.length === 0 && missed >= looksEnough && currentKeeper().namespace === allSeeing;
  }

  #sighting(localRank: number): Sighting {
    let sighting = this.#sightings.get(localRank);
    if (sighting === undefined) {
      sighting = { processes: [], missed: 0 };
      this.#sightings.set(localRank, sighting);
    }
    return sighting;
  }

  /** All processes that have the variables of a rank of our step: the ranks, and whom they have started. */
  #find(): Map<number, Keeper[]> {
    const found = new Map<number, Keeper[]>();
    for (const name of readdirSync('/proc')) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === process.pid) continue;
      const localRank = this.#localRankOf(pid);
      const keeper = localRank === undefined ? undefined : keeperOf(pid);
      if (localRank === undefined || keeper === undefined) continue;
      found.set(localRank, [...(found.get(localRank) ?? []), keeper]);
    }
    return found;
  }

  #localRankOf(pid: number): number | undefined {
    try {
      const env = environmentOf(pid);
      if (env.HWLOC_SHARE_JOB !== this.#job) return undefined;
      const identity = identify(env);
      return identity?.step === this.#identity.step ? identity.localRank : undefined;
    } catch {
      // Somebody else's process, or one that has ended; or variables that make no sense.
      return undefined;
    }
  }
}

function lives(keeper: Keeper): boolean {
  return isAlive(keeper) === true;
}

function environmentOf(pid: number): Environment {
  const entries = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  return Object.fromEntries(
    entries.map((entry): [string, string] => {
      const equals = entry.indexOf('=');
      return [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}
