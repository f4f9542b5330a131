// Limits each process to one join: the other ranks expect one rank of each number, and a process can adopt a
// mapping only once (hwloc#449). The first thread that joins is the rank, and all other threads share its
// topology.

import { existsSync } from 'node:fs';
import { type Settings, joinedVariable, markJoined } from '../environment/index.js';
import { type Found, type Topology, findTopology, offerNothing, offerTopology } from '../hwloc/index.js';
import { NotSharedError } from './errors.js';
import { now } from './time.js';
import { Clock, type How, type Outcome } from './outcome.js';
import type { Shared } from './data/open.js';
import { setFirst, threadName } from '../libc/index.js';

/**
 * Takes this process's part in its job, before the rank does anything that others could see.
 *
 * @param mark  The job's name on this node, and the local rank.
 * @returns false if the part is already taken: by a thread of this process, even if that has left since; or
 *   by an ancestor of this process, whose variables this process has inherited.
 */
export function takePart(mark: string): boolean {
  const own = `${mark} ${threadName}`;
  // A rank that starts a job of its own passes its mark on to the ranks of that job. (Ranks in other
  // languages do not name the thread.)
  const isOfOtherJob = (value: string) => value !== mark && !value.startsWith(`${mark} `);
  if (!setFirst(joinedVariable, own, isOfOtherJob)) return false;
  markJoined(own);
  return true;
}

/** The topology of another thread of this process. */
export interface Taken {
  readonly topology: Topology;
  readonly outcome: Outcome;
  /** The leader's data, if that thread has got it. */
  readonly shared?: Shared | undefined;
}

type There = Extract<Found, { kind: 'there' }>;

/** The note that goes with a topology is an index into this list. */
const hows: readonly How[] = ['adopted', 'xml', 'discovered'];

const fromOther = 'the thread of this process that joined first has a topology of its own';

/** Milliseconds between two checks of a thread that is joining. */
const firstPause = 1;
const longestPause = 50;

/**
 * Takes the topology that another thread of this process has joined. Waits if that thread is still joining.
 *
 * @returns undefined if there is none: this thread must join, and report the result with
 *   {@link leaveToThreads}.
 * @throws NotSharedError  with `strict`, if the other thread could not share.
 */
export async function takeFromThreads(settings: Settings): Promise<Taken | undefined> {
  // Nearly always this is the first thread of its process.
  let found = findTopology(settings.libhwloc);
  if (found.kind === 'nothing') return undefined;

  const clock = new Clock();
  const limit = now() + settings.timeout * 1000;
  for (let pause = firstPause; found.kind === 'joining'; pause = Math.min(pause * 1.5, longestPause)) {
    if (now() > limit) return undefined;
    if (existsSync(`/proc/self/task/${found.threadId}`)) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      found = findTopology(settings.libhwloc);
    } else {
      found = findTopology(settings.libhwloc, found.threadId);
    }
  }
  if (found.kind !== 'there') return undefined;
  return taken(found, settings, clock);
}

async function taken(found: There, { strict }: Settings, clock: Clock): Promise<Taken> {
  const { topology, note, data } = found;
  const how = hows[note] ?? 'discovered';
  const isShared = how === 'adopted';
  if (strict && !isShared) throw new NotSharedError(fromOther);
  const shared = data === undefined ? undefined : (await import('./data/open.js')).sharedIn(data);
  clock.mark('thread');
  const rest = { generation: 0, didDiscover: false, kept: undefined, phases: clock.phases };
  const from = topology.adoptedFrom;
  const outcome: Outcome =
    how === 'adopted' && from !== undefined
      ? { how, reason: undefined, address: from.address, length: from.length, ...rest }
      : {
          how: how === 'xml' ? how : 'discovered',
          reason: fromOther,
          address: undefined,
          length: undefined,
          ...rest,
        };
  return { topology, outcome, shared };
}

/**
 * Leaves the topology of this thread to the other threads of its process. `undefined`: its join has failed.
 */
export function leaveToThreads(joined: Taken | undefined): void {
  if (joined === undefined) offerNothing();
  else offerTopology(joined.topology, hows.indexOf(joined.outcome.how), Object.values(joined.shared ?? {}));
}
