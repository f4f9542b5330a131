// A member: announces itself, reserves the range that the leader plans, adopts on release.

import {
  type Channel,
  type Plan,
  closeChannel,
  formatMessage,
  hasReader,
  isThere,
  leadRenewed,
  lobbyIn,
  openPatientWriter,
  protocolVersion,
} from '../channel/index.js';
import { isAlive, leaderIn } from '../channel/place/index.js';
import { type Reservation, abi, HwlocError, prepareToAdopt, reserve } from '../hwloc/index.js';
import { ownTold } from '../maps/index.js';
import { rangeMessages } from './address-space.js';
import { adoptPlan, adoptedOutcome } from './adopt.js';
import { getShared, takeWhatComesWith } from './besides.js';
import type { Claim } from './claim.js';
import type { Context, Joined } from './context.js';
import { Conversation, type Heard } from './conversation.js';
import { moment } from './expected.js';
import { keepIfOrphaned } from './keeper.js';
import { type Private, takeLadder } from './ladder.js';
import { isLate, joinLate } from './late.js';
import { loneBarrier } from './lone-barrier.js';
import { messageOf } from './notice.js';
import { now } from './now.js';
import { reach } from './points.js';
import type { StandIn } from './stand-in.js';
import { Witness, lookPause } from './witness.js';

/**
 * Joins as a member.
 *
 * @param conversation  With the leader to come; undefined if this rank is late.
 * @returns a claim if this rank is to lead: there is no sign of local rank 0, and this is the first of the others to say so.
 */
export async function follow(
  context: Context,
  channel: Channel,
  conversation: Conversation | undefined,
): Promise<Joined | Claim> {
  if (conversation === undefined) return joinLate(context, channel);
  reach('member:pipes');
  const end = async (reason: string) => {
    removeAtExit(channel);
    // The leader may have gone on without us, and have left a plan: then it stays until we let go of our end.
    const late = isLate(channel) ? await joinLate(context, channel) : undefined;
    conversation.close();
    return late ?? outside(context, takeLadder(context, reason));
  };
  try {
    const first = await meet(context, channel, conversation);
    if (first.verb === 'gone') return await end(first.reason);
    if (first.verb === 'lead') {
      conversation.close();
      return first.claim;
    }
    context.clock.mark('meet');
    reach('member:met');
    const got = await converse(context, conversation, first);
    if ('reason' in got) return await end(got.reason);
    removeAtExit(channel);
    return inside(context, got, conversation);
  } catch (error) {
    conversation.close();
    throw error;
  }
}

/** Instead of anything heard: this rank leads. */
interface Lead {
  readonly verb: 'lead';
  readonly claim: Claim;
}

/** Announces this rank, and waits until the leader is heard for the first time. */
async function meet(context: Context, channel: Channel, conversation: Conversation): Promise<Heard | Lead> {
  const { rank, localRank } = context.identity;
  const told = ownTold();
  conversation.say(
    {
      verb: 'hello',
      version: protocolVersion,
      rank,
      localRank,
      abi: abi(),
      heapEnd: told.heapEnd,
      stackStart: told.stackStart,
      cpus: context.allowed.cpus,
      mems: context.allowed.nodes,
    },
    ...rangeMessages(told),
  );
  // Held open until we are heard: without a reader, what is in a FIFO goes when its last writer does.
  const lobby = openPatientWriter(channel.lobby);
  const inode = lobbyIn(channel);
  try {
    lobby.write(
      formatMessage({ verb: 'announce', version: protocolVersion, rank, localRank, pipe: conversation.name }),
    );
    context.clock.mark('announce');
    reach('member:announced');
    const { timeout, job } = context.settings;
    const witness = new Witness(context.identity, job);
    const pause = lookPause(context.identity.localSize);
    let standIn: StandIn | undefined;
    let renewed: number | undefined;
    for (let waited = 0; waited < timeout; waited += pause) {
      const heard = await conversation.next(Math.min(pause, timeout - waited));
      if (heard.verb !== 'silence') return heard;
      // Let in by the leader, then: if that dies, our pipe ends.
      if (conversation.isMet() && lobbyIn(channel) === inode) continue;
      const reason = whyNobodyAnswers(channel, inode, witness);
      if (reason !== undefined) return { verb: 'gone', reason };
      // A leader that has no room for this rank shows by its mark that it lives.
      const before = renewed;
      renewed = leadRenewed(channel);
      if (renewed !== before) waited = 0;
      if (now() - context.since < moment * 1000) continue;
      standIn ??= new (await import('./stand-in.js')).StandIn(context, channel);
      const claim = standIn.claim();
      if (claim !== undefined) return { verb: 'lead', claim };
    }
    const missed = renewed === undefined ? `did not come within` : `was silent for`;
    return { verb: 'gone', reason: `the leader ${missed} ${timeout} s (HWLOC_SHARE_TIMEOUT)` };
  } finally {
    lobby.close();
  }
}

function whyNobodyAnswers(channel: Channel, lobby: number | undefined, witness: Witness): string | undefined {
  keepIfOrphaned(channel.path);
  if (isLate(channel)) return 'the others have gone on';
  if (lobbyIn(channel) !== lobby) return 'the leader has gone, and the channel with it';
  if (isThere(channel.leader)) return hasReader(channel.pulse) ? undefined : 'the leader has gone';
  witness.look([0]);
  if (witness.isDead(0)) return 'the leader ended before it could lead';
  // Every launcher starts it first: if it is not there now, it has been.
  if (witness.isNowhere(0)) return 'the leader has left the job';
  return undefined;
}

/**
 * Removes, when this process ends, a channel whose leader never came, or died before it could remove it. Not before this rank
 * is through: whoever comes later must find that it has been.
 */
function removeAtExit(channel: Channel): void {
  process.on('exit', () => {
    if (!isThere(channel.path)) return;
    const leader = leaderIn(channel.path);
    if (leader === undefined || isAlive(leader) === false) closeChannel(channel);
  });
}

/** From the leader's first message to this rank's topology. */
async function converse(
  context: Context,
  conversation: Conversation,
  first: Heard,
): Promise<Private | { reason: string }> {
  let plan: Plan | undefined;
  let reservation: Reservation | undefined;
  try {
    for (let heard = first; ; heard = await conversation.next(context.settings.timeout)) {
      switch (heard.verb) {
        case 'wait':
          break;
        case 'plan':
          reach('member:planned');
          reservation?.release();
          reservation = tryToReserve(heard, conversation);
          plan = heard;
          context.clock.mark('reserve');
          reach('member:reserved');
          // While the leader waits for the others, and writes.
          prepareToAdopt();
          break;
        case 'release': {
          context.clock.mark('wait');
          reach('member:released');
          const topology = tryToAdopt(plan, reservation, heard.generation, conversation);
          if (topology === undefined || plan === undefined) break;
          context.clock.mark('adopt');
          reach('member:adopted');
          const shared = await takeWhatComesWith(context, plan);
          conversation.say({ verb: 'done', how: 'adopted' });
          reach('member:done');
          return { topology, outcome: adoptedOutcome(plan, context.clock, false), shared };
        }
        case 'ladder': {
          reservation?.release();
          const xml = heard.xml === undefined ? undefined : { file: heard.xml, thisSystem: heard.thisSystem };
          const own = await takeLadder(context, heard.reason, xml);
          const shared = await getShared(context, heard.dataFile, heard.data);
          conversation.say({ verb: 'done', how: own.outcome.how });
          return { ...own, shared };
        }
        case 'silence':
          return { reason: `the leader was silent for ${context.settings.timeout} s (HWLOC_SHARE_TIMEOUT)` };
        case 'gone':
          return { reason: heard.reason };
        case 'open':
          return { reason: 'the leader opened a barrier before the join was done' };
      }
    }
  } finally {
    reservation?.release();
  }
}

function tryToReserve(plan: Plan, conversation: Conversation): Reservation | undefined {
  if (plan.abi !== abi()) {
    const reason = `its libhwloc has ABI 0x${abi().toString(16)}, the leader's 0x${plan.abi.toString(16)}`;
    conversation.say({ verb: 'declined', reason });
    return undefined;
  }
  try {
    const reservation = reserve(plan.address, plan.length);
    conversation.say({ verb: 'reserved', generation: plan.generation });
    return reservation;
  } catch (error) {
    if (error instanceof HwlocError && error.code === 'EBUSY') {
      conversation.say({ verb: 'busy', generation: plan.generation }, ...rangeMessages(ownTold()));
    } else {
      conversation.say({ verb: 'declined', reason: messageOf(error) });
    }
    return undefined;
  }
}

function tryToAdopt(
  plan: Plan | undefined,
  reservation: Reservation | undefined,
  generation: number,
  conversation: Conversation,
) {
  try {
    if (plan === undefined || reservation === undefined || plan.generation !== generation) {
      throw new Error('released before it had a reservation');
    }
    reservation.release();
    return adoptPlan(plan);
  } catch (error) {
    conversation.say({ verb: 'failed', reason: messageOf(error) });
    return undefined;
  }
}

/** A rank that has met its leader: barriers go through the pair of FIFOs. */
function inside(context: Context, got: Private, conversation: Conversation): Joined {
  conversation.keepAlive(false);
  let number = 0;
  let alone: (() => Promise<void>) | undefined;
  let last: Promise<void> = Promise.resolve();

  const pass = async () => {
    if (alone !== undefined) return alone();
    conversation.keepAlive(true);
    conversation.say({ verb: 'barrier', number: ++number });
    reach('member:barrier');
    const heard = await conversation.next();
    conversation.keepAlive(false);
    if (heard.verb === 'open' && heard.number === number) return undefined;
    conversation.close();
    alone = loneBarrier(
      context,
      heard.verb === 'gone' ? heard.reason : `the leader said ${heard.verb} at a barrier`,
    );
    return alone();
  };
  return {
    ...got,
    // One after another, also when a job does not wait for one barrier before it comes to the next.
    barrier: () => (last = last.then(pass)),
    leave: () => {
      conversation.close();
    },
  };
}

/** A rank that has lost its leader, or never had one. */
export async function outside(context: Context, own: Promise<Private>): Promise<Joined> {
  const joined = await own;
  return {
    ...joined,
    barrier: loneBarrier(context, 'this rank did not meet the others'),
    leave: () => undefined,
  };
}
