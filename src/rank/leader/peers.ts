// The leader's knowledge of the other ranks of its node: the last message of each, and whether the rank is
// there.

import type { Heard, Rules } from '../meeting/steps.js';

/** Another rank, as its leader knows it. */
export interface Peer {
  readonly local: number;
  /** Its last message in the join; undefined if its byte was locked, but no message has come yet. */
  readonly said: 'hello' | 'reserved' | 'busy' | 'declined' | 'failed' | 'done' | undefined;
  /** The round that this message answers. */
  readonly round: number;
  readonly reason: string;
  readonly wantsXml: boolean;
  /** How it got its topology, if it has said that. */
  readonly how: string;
  /** The barrier that it has come to. */
  readonly barrier: number;
  /**
   * `died`: its byte was locked and is not locked any more. `dropped`: it did not answer within the timeout.
   */
  readonly absence: 'died' | 'dropped' | undefined;
}

/** Sorted by local rank, ascending. */
export type Peers = readonly Peer[];

/** What a leader knows of the ranks of its node, for reports. */
export interface Overview {
  /** The other ranks that the leader knows of. */
  peers(): Peers;
  /** The local ranks that have not come. */
  missing(): number[];
  /** A rank's number in the job. */
  rankOf(local: number): number | undefined;
}

const unknown = {
  said: undefined,
  round: 0,
  reason: '',
  wantsXml: false,
  how: '',
  barrier: 0,
  absence: undefined,
} as const;

/** The peers after a line. */
export function afterLine(peers: Peers, line: Heard): Peers {
  return changed(peers, line.local, (peer) => {
    // A rank that was given up, or that died and was started again, is back.
    const present = { ...peer, absence: undefined };
    switch (line.verb) {
      case 'hello':
        return { ...present, said: 'hello', round: line.round, reason: '', wantsXml: false };
      case 'reserved':
        return { ...present, said: 'reserved', round: line.round };
      case 'busy':
        return { ...present, said: 'busy', round: line.round, reason: 'its range was taken' };
      case 'declined':
        return {
          ...present,
          said: 'declined',
          round: line.round,
          reason: line.reason,
          wantsXml: line.wantsXml,
        };
      case 'failed':
        return { ...present, said: 'failed', reason: line.reason, wantsXml: true };
      case 'done':
        return { ...present, said: 'done', how: line.how };
      case 'barrier':
        return { ...present, barrier: line.number };
    }
  });
}

/**
 * The peers after a check of locks.
 *
 * @param among  The ranks that were checked; undefined: all possible ranks.
 * @param there  Those ranks among them whose byte is locked.
 */
export function afterLook(
  peers: Peers,
  among: readonly number[] | undefined,
  there: readonly number[],
): Peers {
  const arrived = there.reduce((all, local) => changed(all, local, (peer) => peer), peers);
  return arrived.map((peer) => {
    const wasLookedAt = among === undefined || among.includes(peer.local);
    return wasLookedAt && peer.absence === undefined && !there.includes(peer.local)
      ? { ...peer, absence: 'died' as const }
      : peer;
  });
}

/** The peers after a rank was found dead. */
export function afterDeath(peers: Peers, local: number): Peers {
  return changed(peers, local, (peer) => ({ ...peer, absence: 'died' }));
}

/** The peers after some ranks were given up. */
export function afterDrop(peers: Peers, locals: readonly number[]): Peers {
  return peers.map((peer) => (locals.includes(peer.local) ? { ...peer, absence: 'dropped' as const } : peer));
}

function changed(peers: Peers, local: number, change: (peer: Peer) => Peer): Peers {
  const at = peers.findIndex((peer) => peer.local >= local);
  const found = peers[at];
  if (found?.local === local) return peers.with(at, change(found));
  const added = change({ ...unknown, local });
  return at === -1 ? [...peers, added] : peers.toSpliced(at, 0, added);
}

/** The ranks that are there, as far as the leader knows. */
export function present(peers: Peers): Peers {
  return peers.filter(({ absence }) => absence === undefined);
}

/** The local ranks of some peers. */
export function localsOf(peers: Peers): number[] {
  return peers.map(({ local }) => local);
}

/** The local ranks that the launcher told of, without this one; an empty list if it told no number. */
export function othersExpected({ expected = 0, local }: Pick<Rules, 'expected' | 'local'>): number[] {
  return Array.from({ length: expected }, (_, rank) => rank).filter((rank) => rank !== local);
}
