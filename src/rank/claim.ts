// A leader's claim on a channel. Whoever makes the mark leads; there is only one.

import { type Channel, claimLead, holdOpen, isThere } from '../channel/index.js';

/** A claim to lead that holds. */
export interface Claim {
  /** Ends it: who has not met the leader by then finds that it has gone. */
  release(): void;
}

/**
 * Claims to lead in a channel, as the first thing that is done there: from then on members see at once whether the leader lives.
 *
 * @returns undefined if somebody leads here, or did.
 * @throws Error  of the file system.
 */
export function claim(channel: Channel): Claim | undefined {
  if (isThere(channel.leader)) return undefined;
  // Before the mark: a leader that has made it and has no pulse is taken for dead.
  const release = holdOpen(channel.pulse);
  let holds = false;
  try {
    holds = claimLead(channel);
    return holds ? { release } : undefined;
  } finally {
    if (!holds) release();
  }
}
