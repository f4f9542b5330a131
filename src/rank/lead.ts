// The leader: discovers the machine once, gathers address spaces, writes, and lets everybody adopt.

import type { Channel, Plan } from '../channel/index.js';
import { channelPath, sweep } from '../channel/place/index.js';
import type { Topology } from '../hwloc/index.js';
import { formatAddress } from '../maps/index.js';
import { adoptPlan, adoptedOutcome } from './adopt.js';
import { sameAllowed } from './allowed.js';
import { getShared, takeWhatComesWith } from './besides.js';
import type { Claim } from './claim.js';
import type { Context, Joined, Share } from './context.js';
import { discover } from './discover.js';
import { NotSharedError } from './errors.js';
import { expectedBy } from './expected.js';
import { type Private, privately } from './ladder.js';
import { publishPlan } from './late.js';
import { keepBarriers } from './leaders-barrier.js';
import { type Agreement, negotiate } from './negotiate.js';
import { listOf, messageOf } from './notice.js';
import { reach } from './points.js';
import { Roster } from './roster.js';
import type { Pieces } from './share.js';
import type { Shared } from './shared.js';
import { Store } from './store.js';
import { tellForWhomItWaits } from './waiting.js';

/** What the leader works with. */
interface Lead {
  readonly channel: Channel;
  readonly key: string;
  readonly roster: Roster;
  readonly store: Store;
  /** Ends what is said of those who are waited for. */
  readonly stopTelling: () => void;
}

/** Joins as the leader of this node. @param key  The channel's key, which seeds the choice of the address. */
export async function lead(context: Context, channel: Channel, key: string, claimed: Claim): Promise<Joined> {
  try {
    reach('leader:claimed');
    return await leadClaimed(context, channel, key);
  } finally {
    claimed.release();
  }
}

async function leadClaimed(context: Context, channel: Channel, key: string): Promise<Joined> {
  const store = new Store(context, channel, key);
  const expected = await expectedBy(context.identity, context.settings.job);
  const roster = new Roster(context, channel, expected);
  const stopTelling = tellForWhomItWaits(context, roster);
  try {
    return await share(context, { channel, key, roster, store, stopTelling });
  } catch (error) {
    // The members see the end of their pipes, or of the pulse, and help themselves.
    tidy(roster, store);
    roster.close();
    throw error;
  } finally {
    stopTelling();
    roster.endJoin();
  }
}

async function share(context: Context, parts: Lead): Promise<Joined> {
  const { channel, roster, store, stopTelling } = parts;
  // The others come and are gathered while this goes on, on a thread of its own.
  const loading = discover(context);
  const sharing = context.share === undefined ? undefined : putInFront(context.share, store);
  sharing?.catch(() => undefined); // it is waited for below
  // What dead jobs left goes while nothing else is to be done.
  for (const root of context.roots) sweep(root, channelPath(root, parts.key));
  const own = await loading;
  context.clock.mark('load');
  reach('leader:loaded');
  // Now, while others still come: libhwloc copies the whole topology to see how long it is.
  const ownLength = own.sharedLength();
  await gather(context, roster);
  stopTelling();
  const topology = await coverEverybody(context, roster, own);
  const length = topology === own ? ownLength : topology.sharedLength();

  const pieces = await sharing;
  const agreement = await negotiate(context, { ...parts, topology, length });
  reach('leader:agreed');
  const barrier = keepBarriers(roster);
  const result = release(context, roster, topology, agreement);
  await help(roster, store, result.topology, agreement);
  context.clock.mark('settle');
  reach('leader:settled');
  const { how, reason } = result.outcome;
  if (how !== 'adopted' && context.settings.strict) throw new NotSharedError(reason ?? '');
  const adopted = how === 'adopted' ? agreement.plan : undefined;
  const shared = await ownShared(context, store, pieces, adopted);

  if (agreement.plan !== undefined && roster.mayCome()) publishPlan(channel, agreement.plan);
  await roster.sendOffTheCrowd();
  // Programs that this node's ranks start find it by its name.
  const isNamed = context.settings.xmlfile && adopted?.offset === 0;
  tidy(roster, store, isNamed);
  roster.keepAlive(false);
  tellHowItWent(context, roster, result);
  const leave = () => {
    roster.close();
  };
  return { topology: result.topology, outcome: result.outcome, shared, barrier, leave };
}

/** Data of the leader, as all ranks get it. What only jobs with data need is loaded when it is needed. */
async function putInFront(share: Share, store: Store): Promise<Pieces> {
  return (await import('./share.js')).putInFront(share, store);
}

/** As everybody else, the leader has the pages of the file; the bytes that it was given, others need not keep. */
async function ownShared(
  context: Context,
  store: Store,
  pieces: Pieces | undefined,
  adopted: Plan | undefined,
): Promise<Shared | undefined> {
  const shared = await (adopted === undefined
    ? getShared(context, store.data?.file, store.data?.length)
    : takeWhatComesWith(context, adopted));
  if (pieces === undefined || shared !== undefined) return shared;
  return (await import('./shared.js')).named(pieces);
}

async function gather(context: Context, roster: Roster): Promise<void> {
  const everybody = await roster.untilNoneIs(['greeting'], { all: true });
  // Who comes from now on finds the plan when it is published; nothing must wait for it.
  roster.closeLobby();
  context.clock.mark('gather');
  reach('leader:gathered');

  const { identity, settings, notice } = context;
  const local = identity.size === identity.localSize ? '' : 'local ';
  const say = (ranks: readonly number[], what: string) => {
    const [noun, them] = ranks.length === 1 ? ['rank', 'it'] : ['ranks', 'them'];
    if (ranks.length > 0) notice(`${local}${noun} ${listOf(ranks)} ${what}`.replace('THEM', them));
  };
  say(roster.ended, 'ended, or gave up, before joining; going on without THEM');
  if (settings.verbose) say(roster.unlikely, 'show no sign of joining; going on without THEM');
  say(roster.crowdedOut, 'take no part in barriers: too few files may be open here (ulimit -n)');
  if (everybody) return;
  const late = [...roster.missing(), ...roster.dropped].sort((a, b) => a - b);
  say(late, `did not join within ${settings.timeout} s; going on without THEM (HWLOC_SHARE_TIMEOUT)`);
}

/**
 * A load shows what the leader's cgroup allows. Where other ranks are allowed something else, the machine is loaded anew with all
 * that it has. (What a file or a text describes has nothing to do with our cgroups.)
 */
async function coverEverybody(context: Context, roster: Roster, topology: Topology): Promise<Topology> {
  if (!topology.isThisSystem || roster.allowed().every((theirs) => sameAllowed(theirs, context.allowed))) {
    return topology;
  }
  topology.close();
  const all = await discover(context, { includeDisallowed: true });
  context.clock.mark('load');
  return all;
}

/** Opens the barrier of the join, and adopts as everybody does; the private topology goes. */
function release(context: Context, roster: Roster, topology: Topology, agreement: Agreement): Private {
  const { plan } = agreement;
  if (plan === undefined) {
    const own = {
      topology,
      outcome: { ...privately('discovered', agreement.reason, context), didDiscover: true },
    };
    context.notice(`${agreement.reason}; keeping its own copy of the topology`);
    return own;
  }
  roster.tell({ verb: 'release', generation: plan.generation }, 'reserved');
  reach('leader:released');
  try {
    agreement.reservation.release();
    const adopted = adoptPlan(plan);
    context.clock.mark('adopt');
    reach('leader:adopted');
    topology.close();
    return { topology: adopted, outcome: adoptedOutcome(plan, context.clock, true) };
  } catch (error) {
    const reason = messageOf(error);
    context.notice(`${reason}; keeping its own copy of the topology`);
    return { topology, outcome: privately('discovered', reason, context) };
  }
}

/** Waits until everybody has a topology, with XML for those who cannot adopt. It is written only if there are any. */
async function help(roster: Roster, store: Store, topology: Topology, agreement: Agreement): Promise<void> {
  if (agreement.plan !== undefined) await roster.untilNoneIs(['released']);
  const helpless = roster.standing('ready', 'reserved', 'busy', 'declined', 'failed');
  if (helpless.length === 0) return;
  const xml = store.writeXml(topology);
  const { data } = store;
  for (const peer of helpless) {
    const reason = peer.reason || whyNot(agreement);
    const withData = { dataFile: data?.file, data: data?.length };
    peer.say({ verb: 'ladder', reason, xml, thisSystem: topology.isThisSystem, ...withData });
  }
  // The files must stay until they have been read; a rank that discovers by itself needs nobody to wait for it.
  if (xml !== undefined || data !== undefined) await roster.untilNoneIs(['laddered']);
}

function whyNot(agreement: Agreement): string {
  return agreement.plan === undefined ? agreement.reason : 'its range was taken in each of the plans';
}

/**
 * Leaves nothing behind, at once where nobody can come any more, or needs it. Else the channel stays as long as this process: who
 * comes late sees in it that the leader is through, or finds the plan. What is mapped stays mapped.
 */
function tidy(roster: Roster, store: Store, isNeeded = false): void {
  if (!isNeeded && !roster.mayCome()) {
    store.remove();
    return;
  }
  process.on('exit', () => {
    store.remove();
  });
}

/** To the wrapper, if it makes a report; else to the user who asked for it. */
function tellHowItWent(context: Context, roster: Roster, own: Private): void {
  const { recorder, settings, notice } = context;
  const summary = settings.verbose ? summaryOf(context, roster, own) : undefined;
  if (recorder === undefined) {
    if (summary !== undefined) notice(summary);
    return;
  }
  recorder.see(roster, (why) => {
    notice(summary ?? `not in the report, of which a file system that all nodes share is needed: ${why}`);
  });
}

function summaryOf({ identity, clock }: Context, roster: Roster, own: Private): string {
  const sharing = roster.standing('done').length + 1;
  const all = identity.localSize === undefined ? '' : ` of ${identity.localSize}`;
  const { address, length } = own.outcome;
  const place = address === undefined ? 'each its own' : `at ${formatAddress(address)}, ${length ?? 0} bytes`;
  const phases = Object.entries(clock.phases).map(([name, ms]) => `${name} ${ms.toFixed(1)} ms`);
  return `${sharing}${all} ranks: one topology ${place}; ${phases.join(', ')}`;
}
