// Whom the leader of a node expects.

import type { Placed } from './placed.js';

/**
 * Seconds after which nobody is waited for any more of whom there is no sign. A rank that took longer than that from its start to
 * its join gives the others as long.
 */
export const moment = 2;

/** The ranks of a node beside the leader, as far as they are known. */
export interface Expected {
  /** Their local ranks, in ascending order. */
  all(): readonly number[];
  /** Whether a local rank can be one of them. */
  has(localRank: number): boolean;
  /** Whether these are all, as far as one can tell: if not, somebody is being started at this moment. */
  isSettled(): boolean;
  /** Whether somebody may be on the node who is not known. */
  readonly isOpen: boolean;
  /** Looks at what there is to be seen. */
  look(): void;
  /** How they are called, for a message: `none of the …`. */
  describe(): string;
}

/** As the launcher has told. */
export function expectedByNumber(localRank: number, localSize: number): Expected {
  const all = Array.from({ length: localSize }, (_, i) => i).filter((each) => each !== localRank);
  return {
    all: () => all,
    has: (other) => other < localSize && other !== localRank,
    isSettled: () => true,
    isOpen: false,
    look: () => undefined,
    describe: () => (localRank === 0 ? `ranks 1 to ${localSize - 1}` : `other ranks below ${localSize}`),
  };
}

/** Whom a leader expects. What only ranks need that are told less is imported when it is needed. */
export async function expectedBy(identity: Placed, job: string | undefined): Promise<Expected> {
  const { localRank, localSize } = identity;
  if (localSize !== undefined) return expectedByNumber(localRank, localSize);
  const { Census } = await import('./census.js');
  return new Census(identity, job);
}
