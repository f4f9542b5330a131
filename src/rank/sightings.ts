// The processes of this rank's job step on this node, as /proc shows them: those that have the variables of one of its ranks.
// (Two jobs of a launcher that does not name them have the same: there, they are below the same process of it, too.)

import { readdirSync, readlinkSync } from 'node:fs';
import { type Keeper, keeperOf, statOf } from '../channel/place/index.js';
import { environmentOf } from '../environment/index.js';
import { identify } from '../launcher/kinds/index.js';
import type { Placed } from './placed.js';

/** Scripts and programs may stand between a launcher and a process; nobody stacks this many. */
const highest = 64;

/** Not the name of any host. */
const elsewhere = '/';

/**
 * The processes of each local rank of a step: the rank itself, the script around it, and whom it has started. This process is not
 * among them.
 *
 * @param job  The wrapper's name for the job, which its ranks have beside the launcher's.
 */
export function sightings(identity: Placed, job: string | undefined): Map<number, Keeper[]> {
  const found = new Map<number, Keeper[]>();
  const isApart = identity.isNamedByKeeper && keeperOf(identity.keeper) !== undefined;
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const localRank = localRankOf(pid, identity, job);
    const keeper = localRank === undefined ? undefined : keeperOf(pid);
    if (localRank === undefined || keeper === undefined) continue;
    if (isApart && !isBelow(pid, identity.keeper)) continue;
    found.set(localRank, [...(found.get(localRank) ?? []), keeper]);
  }
  return found;
}

function localRankOf(pid: number, { step, firstLeads }: Placed, job: string | undefined): number | undefined {
  try {
    const env = environmentOf(pid);
    if (env === undefined || env.HWLOC_SHARE_JOB !== job) return undefined;
    const identity = identify(env, undefined, pid);
    if (identity?.step !== step) return undefined;
    // One that has another hostname is on another node, unless its launcher says that it is on this one.
    if (!isOfThisHost(pid) && identify(env, elsewhere, pid)?.step !== step) return undefined;
    return firstLeads ? identity.rank : identity.localRank;
  } catch {
    // Somebody else's process, or one that has ended; or variables that make no sense.
    return undefined;
  }
}

/** Whether a process has another one above it. */
function isBelow(pid: number, above: number): boolean {
  for (let at: number | undefined = pid, height = 0; at !== undefined && height < highest; height++) {
    if (at === above) return true;
    at = statOf(at)?.parent;
  }
  return false;
}

/** Whether a process has the same hostname, as far as namespaces tell. */
function isOfThisHost(pid: number): boolean {
  return readlinkSync(`/proc/${pid}/ns/uts`) === readlinkSync('/proc/self/ns/uts');
}
