// One join for each process: the other ranks expect one rank of each number, and a mapping can be adopted only once in a process
// (hwloc#449). The first thread that joins is the rank, and all others share its topology.

import { existsSync } from 'node:fs';
import { type Settings, joinedVariable, markJoined } from '../environment/index.js';
import { type Found, type Topology, findTopology, offerNothing, offerTopology } from '../hwloc/index.js';
import { NotSharedError } from './errors.js';
import { now } from './time.js';
import { Clock, type How, type Outcome } from './outcome.js';
import type { Shared } from './data/open.js';
import { setFirst, threadName } from '../libc/index.js';

/**
 * Takes this process's part in its job, before anything is done that others could see.
 *
 * @param mark  The job's name on this node, and the local rank.
 * @returns false if it is taken: by this thread or another one of the process, whether that has left again or not; or by a process above
 *          this one, whose variables this one has inherited.
 */
export function takePart(mark: string): boolean {
  const own = `${mark} ${threadName}`;
  // A rank that starts a job of its own leaves its mark to ranks of that one. (Ranks in other languages name no thread.)
  const isOfOtherJob = (value: string) => value !== mark && !value.startsWith(`${mark} `);
  if (!setFirst(joinedVariable, own, isOfOtherJob)) return false;
  markJoined(own);
  return true;
}

/** The topology of another thread of this process. */
export interface Taken {
  readonly topology: Topology;
  readonly outcome: Outcome;
  /** The leader's data, where that thread has got it. */
  readonly shared?: Shared | undefined;
}

type There = Extract<Found, { kind: 'there' }>;

/** As the note says it that goes with the topology. */
const hows: readonly How[] = ['adopted', 'xml', 'discovered'];

const fromOther = 'the thread of this process that joined first has a topology of its own';

/** Milliseconds between two looks at a thread that is joining. */
const firstPause = 1;
const longestPause = 50;

/**
 * Takes the topology that another thread of this process has joined, or waits for it while that thread is joining.
 *
 * @returns undefined where there is none: this thread joins, and says by {@link leaveToThreads} how that went.
 * @throws NotSharedError  with `strict`, where the other thread could not share, either.
 */
export async function takeFromThreads(settings: Settings): Promise<Taken | undefined> {
  // Nearly always: the first thread of its process.
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

/** Leaves what this thread has joined to the others of its process; undefined: its join has failed. */
export function leaveToThreads(joined: Taken | undefined): void {
  if (joined === undefined) offerNothing();
  else offerTopology(joined.topology, hows.indexOf(joined.outcome.how), Object.values(joined.shared ?? {}));
}
