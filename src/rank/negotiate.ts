// Agreeing on an address: plan, let everybody reserve and write meanwhile; where it was taken after all, plan again.

import { type Plan, unlinkIfThere } from '../channel/index.js';
import { codeOf } from '../channel/place/index.js';
import { HwlocError, type Reservation, type Topology, pageSize, reserve } from '../hwloc/index.js';
import { type HolePolicy, chooseHole, combine, ownOccupied, parsePolicy } from '../maps/index.js';
import type { Context } from './context.js';
import { listOf, messageOf } from './notice.js';
import { reach } from './points.js';
import type { Roster } from './roster.js';
import { type Store, isOfThePlace } from './store.js';

/** After as many plans, whoever still finds its range taken goes without; the others share. */
const mostGenerations = 5;

/**
 * A written plan that those who have reserved can be released into, with the leader's own reservation; or why there is none.
 */
export type Agreement =
  | { readonly plan: Plan; readonly reservation: Reservation }
  | { readonly plan: undefined; readonly reason: string };

/** What negotiating needs. */
export interface Parties {
  /** The channel's key: another job gets another address. */
  readonly key: string;
  readonly topology: Topology;
  /** Bytes that the topology takes in a file. */
  readonly length: number;
  readonly roster: Roster;
  readonly store: Store;
}

/** Plans until a file is written and everybody has reserved its range, or as often as makes sense. */
export async function negotiate(context: Context, parties: Parties): Promise<Agreement> {
  const { topology, length, roster, store, key } = parties;
  const { clock } = context;
  let agreement: Agreement = { plan: undefined, reason: 'no address was tried' };

  for (let generation = 1; generation <= mostGenerations; generation++) {
    let address: number;
    try {
      const occupied = combine([ownOccupied(), ...roster.occupied()]);
      const seed = `${key}#${generation}`;
      address = chooseHole({ occupied, length, pageSize: pageSize(), policy: policyOf(context), seed });
    } catch (error) {
      // Whoever reserved under the plan before this one still has its reservation.
      return agreement.plan === undefined ? { plan: undefined, reason: messageOf(error) } : agreement;
    }
    const file = store.fileOf(generation);
    const data = store.data?.length;
    const place = { file, offset: data ?? 0, address, length };
    const plan: Plan = { verb: 'plan', generation, ...place, abi: topology.abi, data };
    roster.tell(plan, 'ready', 'reserved', 'busy');
    clock.mark('plan');
    reach('leader:planned');

    const previous = agreement.plan;
    if (agreement.plan !== undefined) agreement.reservation.release();
    const attempt = tryToWrite(context, parties, plan);
    agreement = attempt.agreement;
    clock.mark('write');
    if (previous !== undefined) unlinkIfThere(previous.file);

    await roster.untilNoneIs(['planned', 'tellingBusy']);
    clock.mark('reserve');
    const busy = roster.standing('busy').map((peer) => peer.rank);
    if (agreement.plan === undefined ? !attempt.again : busy.length === 0) return agreement;
    if (context.settings.verbose && busy.length > 0) {
      context.notice(`the range of plan ${generation} is taken in ${listOf(busy)}`);
    }
  }
  return agreement;
}

/** @returns what came of it, and whether another plan may do better where nothing was written. */
function tryToWrite(
  context: Context,
  { topology, store }: Parties,
  plan: Plan,
): { agreement: Agreement; again: boolean } {
  try {
    reach('leader:writing');
    const { file, offset, address, length } = plan;
    store.write(topology, { file, offset, address, length });
    reach('leader:written');
    // As in every rank: between now and the release something else might take it.
    const reservation = reserve(plan.address, plan.length);
    return { agreement: { plan, reservation }, again: true };
  } catch (error) {
    const agreement = { plan: undefined, reason: messageOf(error) };
    // EBUSY is this process's own range, taken since we looked: the next plan has another.
    if (error instanceof HwlocError && error.code === 'EBUSY') return { agreement, again: true };
    // Something stands at the file's name; the next plan's has another number.
    if (codeOf(error) === 'EEXIST') return { agreement, again: true };
    const again = isOfThePlace(error) && store.moveOn();
    if (again) context.notice(`${plan.file}: ${messageOf(error)}; using the next directory`);
    return { agreement, again };
  }
}

function policyOf({ settings, notice }: Context): HolePolicy {
  if (settings.hole === undefined) return 'scatter';
  const policy = parsePolicy(settings.hole);
  if (policy === undefined) notice(`HWLOC_SHARE_HOLE=${settings.hole} is no kind of hole; using scatter`);
  return policy ?? 'scatter';
}
