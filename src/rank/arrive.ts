// Arriving: a rank finds or makes the channel of its job, and leaves its mark there.

import { type Channel, isMadeIn, openChannel } from '../channel/index.js';
import { removeRoot } from '../channel/place/index.js';
import { sleep } from './alarm.js';
import { type Claim, claim } from './claim.js';
import type { Context } from './context.js';
import { Conversation } from './conversation.js';
import { keeperFor } from './keeper.js';
import { isLate } from './late.js';
import { now } from './now.js';
import { makePair } from './pair.js';
import type { Placed } from './placed.js';

/** Milliseconds that a member leaves it to the leader to make the channel; and how much longer than the local rank before it. */
const leadersTime = 20;
const stagger = 0.25;
const lookForChannelEvery = 2;

/** What a rank has when it has arrived. */
export interface Arrival {
  readonly channel: Channel;
  /** The leader's. */
  readonly claim?: Claim;
  /** A member's, with its leader; one that is late has none. */
  readonly conversation?: Conversation;
}

/**
 * Finds or makes the channel of this job, and leaves a mark of this rank's arrival in it. Whoever may lead does, if nobody else leads:
 * another rank may have come before it, or stand in for it.
 */
export function arrive({ identity, roots, notice }: Context, key: string): Arrival | Error {
  const mayLead = identity.firstLeads || identity.localRank === 0;
  try {
    if (!mayLead) giveLeaderTime(roots, key, identity.localRank);
    const channel = openChannel(
      roots,
      key,
      () => keeperFor(identity),
      (error) => {
        // Hardly ever said by more than one rank: the next finds the channel where that one has made it.
        notice(error.message);
      },
    );
    if (mayLead) {
      const claimed = claim(channel);
      if (claimed !== undefined) return { channel, claim: claimed };
    }
    return isLate(channel) ? { channel } : { channel, conversation: openConversation(channel, identity) };
  } catch (error) {
    roots.forEach(removeRoot);
    return error instanceof Error ? error : new Error(String(error));
  }
}

/**
 * Waits a moment until the channel is there: all the ranks of a node arrive at once, and each of them would make one, to find that
 * another was faster. Should the leader take longer, the ranks are ready to make it one after another.
 */
function giveLeaderTime(roots: readonly string[], key: string, localRank: number): void {
  const until = now() + leadersTime + stagger * localRank;
  while (!roots.some((root) => isMadeIn(root, key)) && now() < until) sleep(lookForChannelEvery);
}

/** Made and opened at once: FIFOs that nobody has open are taken for those of a member that has died. */
function openConversation(channel: Channel, { localRank }: Placed): Conversation {
  return new Conversation(channel, makePair(channel, localRank));
}
