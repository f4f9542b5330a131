// The barrier as the leader takes part in it and keeps it for the members.

import { Barrier } from '../channel/index.js';
import { reach } from './points.js';
import type { Roster } from './roster.js';

/** The leader among those who take part. Not its local rank: that is for its members to have, where a rank stands in for local rank 0. */
const leader = -1;

/**
 * Starts keeping barriers for everybody who is there now. To be called before the release: a member that has its topology
 * may come to a barrier while the leader still helps others.
 *
 * @returns the leader's own way into the next barrier.
 */
export function keepBarriers(roster: Roster): () => Promise<void> {
  let opened: (() => void) | undefined;
  const barrier = new Barrier([leader, ...roster.present()], (number) => {
    roster.tell({ verb: 'open', number }, 'done');
    opened?.();
  });
  roster.watch(
    (peer, number) => {
      // At a barrier that is not the current one: it counts otherwise than we do, and would wait for ever.
      if (!barrier.arrive(peer.localRank, number)) peer.drop();
    },
    (peer) => {
      barrier.leave(peer.localRank);
    },
  );

  let number = 0;
  let last: Promise<void> = Promise.resolve();
  const pass = async () => {
    const open = new Promise<void>((resolve) => (opened = resolve));
    roster.keepAlive(true);
    barrier.arrive(leader, ++number);
    reach('leader:barrier');
    await open;
    roster.keepAlive(false);
  };
  // One after another, also when a job does not wait for one barrier before it comes to the next.
  return () => (last = last.then(pass));
}
