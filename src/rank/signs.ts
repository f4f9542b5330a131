// Signs of ranks that have not come: for whom is it worth waiting longer than a moment?
// A job may have ranks that are no Node programs and never come, and ranks in containers that cannot be reached from here.

import { readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Channel } from '../channel/index.js';
import {
  type Keeper,
  currentKeeper,
  keeperFile,
  pairsIn,
  readKeeper,
  seesEveryProcess,
} from '../channel/place/index.js';
import type { Context } from './context.js';
import { moment } from './expected.js';
import { now } from './now.js';
import { sightings } from './sightings.js';
import { startsOf, ticks, timeInTicks } from './starts.js';

/** What runs JavaScript, by the name of its file; the system adds to that of one that was replaced since. */
const runtimes = /^(node|nodejs|bun|deno)[\d.]*( \(deleted\))?$/;

/** Milliseconds from the first look to the second; each pause is twice the one before, since all who wait look. */
const shortestPause = 500;

/** What a rank sees of the others of its step. */
export class Signs {
  readonly #context: Context;
  readonly #channel: Channel;
  #seen = new Map<number, Keeper[]>();
  #nextLook = 0;
  #pause = shortestPause;

  constructor(context: Context, channel: Channel) {
    this.#context = context;
    this.#channel = channel;
  }

  /**
   * Those of some local ranks of whom there is no sign, once this rank has waited long enough to say so, and so long nobody was started
   * any more: none before that.
   *
   * @param met  The local ranks that this rank has met.
   */
  lacking(localRanks: readonly number[], met: readonly number[]): number[] {
    const time = now();
    if (time < this.#nextLook) return [];
    this.#nextLook = time + this.#pause;
    this.#pause *= 2;
    try {
      const { identity, settings, since } = this.#context;
      this.#seen = sightings(identity, settings.job);
      const starts = startsOf(identity, this.#seen);
      const age = (start = Infinity) => (timeInTicks() - start) / ticks;
      const youngest = age(Math.max(...starts.values()));
      const waited = (time - since) / 1000;
      const took = age(starts.get(identity.localRank)) - waited;
      if (Math.min(waited, youngest) < Math.max(moment, took)) return [];
      // They have come, and no leader has let them in yet.
      const paired = pairsIn(this.#channel.path).map((pair) => pair.localRank);
      return localRanks.filter((localRank) => !this.#isSignOf(localRank, met, paired));
    } catch {
      // Without a process table nothing can be said.
      return [];
    }
  }

  /**
   * Whether there is a sign of a rank: it has made its pair of FIFOs; it runs Node, and has not joined before; or it may be in
   * another container, and somebody from another container has been here.
   */
  #isSignOf(localRank: number, met: readonly number[], paired: readonly number[]): boolean {
    if (paired.includes(localRank)) return true;
    const here = this.#here(localRank);
    if (here.length > 0) return here.some((keeper) => this.#mayJoin(keeper));
    return this.#mayBeHidden(localRank) && this.#hasMetStrangers([...met, ...paired]);
  }

  /** The processes of a rank in this PID namespace. */
  #here(localRank: number): Keeper[] {
    return (this.#seen.get(localRank) ?? []).filter(({ pid }) => isOfThisNamespace(pid));
  }

  /** Whether a rank is in another container than this one, or may be. */
  #mayBeHidden(localRank: number): boolean {
    return this.#seen.has(localRank) || !seesEveryProcess();
  }

  #hasMetStrangers(met: readonly number[]): boolean {
    const own = this.#context.identity.localRank;
    const isStranger = (localRank: number) =>
      localRank !== own && this.#here(localRank).length === 0 && this.#mayBeHidden(localRank);
    if (met.some(isStranger)) return true;
    const keeper = readKeeper(join(this.#channel.path, keeperFile));
    return keeper !== undefined && keeper.namespace !== currentKeeper().namespace;
  }

  #mayJoin({ pid }: Keeper): boolean {
    return (
      runsJavaScript(pid) && !read(`/proc/${pid}/maps`).includes(`/${basename(this.#channel.path)}/topology.`)
    );
  }
}

/** Whether a process runs Node or the like, or is about to: a shell, a debugger or a container's starter that was told to. */
function runsJavaScript(pid: number): boolean {
  try {
    if (isRuntime(readlinkSync(`/proc/${pid}/exe`))) return true;
  } catch {
    // It has ended, or may not be looked at.
  }
  return read(`/proc/${pid}/cmdline`)
    .split(/[\0\s;&|()'"]+/)
    .some(isRuntime);
}

function isRuntime(file: string): boolean {
  const name = basename(file);
  return runtimes.test(name) || name === basename(process.execPath);
}

function isOfThisNamespace(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`) === currentKeeper().namespace;
  } catch {
    return false;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
