// A rank's place in the rendezvous, as far as its launcher tells.

import type { Identity } from '../launcher/kinds/index.js';

/** A rank that can meet the others of its node. */
export interface Placed extends Identity {
  /** The number by which the rendezvous knows it: the local rank or, where the launcher tells none, the rank. */
  readonly localRank: number;
  readonly step: string;
  /** Whether whoever comes first leads: where no local ranks are told, nobody knows who has local rank 0. */
  readonly firstLeads: boolean;
}

/** The place of a rank; or why it can meet nobody. */
export function placeOf(identity: Identity | undefined): Placed | string {
  if (identity === undefined) return 'no launcher started this process: it is alone';
  const { launcher, rank, size, localRank, localSize, node, step, isNamedByKeeper } = identity;
  if (step !== undefined) {
    return {
      launcher,
      rank,
      size,
      localRank: localRank ?? rank,
      localSize,
      node,
      step,
      ...(isNamedByKeeper && { isNamedByKeeper }),
      get keeper() {
        return identity.keeper;
      },
      firstLeads: localRank === undefined,
    };
  }
  return (
    `${launcher} does not name its jobs, and the process that would do cannot be seen from this container; ` +
    `hwloc-share in front of the launcher gives them names`
  );
}
