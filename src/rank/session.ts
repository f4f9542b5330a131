// A session: what join() resolves to.

import type { Topology } from '../hwloc/index.js';
import type { Allowed } from './allowed.js';
import type { Outcome } from './outcome.js';
import type { Shared } from './data/open.js';

/** A rank's place in its job, and the topology that it shares with the others of its node. */
export interface Session extends AsyncDisposable {
  /** The process's number in the job, from 0. */
  readonly rank: number;
  /** The count of all processes of the job; undefined where the launcher does not tell. */
  readonly size: number | undefined;
  /** The process's number on its node, from 0; undefined where the launcher does not tell. */
  readonly localRank: number | undefined;
  /**
   * The count of the job's processes on this node; undefined where the launcher does not tell. (Those that were seen may not be all:
   * a number that may be wrong would be worse than none.)
   */
  readonly localSize: number | undefined;
  /** The node's name. */
  readonly node: string;
  /** The topology, read-only; the same for every session of this process. Closed with the last of them. */
  readonly topology: Topology;
  /** What this rank's own cgroup allows of it; other ranks may be allowed something else. */
  readonly allowed: Allowed;
  /**
   * What `join({ share })` of the leader has put beside the topology, by name: the same pages in all ranks of the node. Without it, empty.
   *
   * Nobody else sees what is written to it: that changes a copy of the page, in this process. It stays as it is after `close()`; its
   * memory goes when nobody holds it any more.
   */
  readonly shared: Shared;
  /** How this rank got it, why, and what it cost. */
  readonly outcome: Outcome;
  /**
   * Resolves when every rank of this node that has joined, and is still there, has called it as often.
   *
   * @returns whether all ranks of the node took part: as many as the launcher told of. If false, some had died, had left or had not come;
   *          or this rank could not reach the others at all, which it says on stderr.
   * @throws BarrierError  if it could not reach them, and `onFailure` is `throw`.
   */
  barrier(): Promise<boolean>;
  /** Leaves the job. The topology is unmapped with the process's last session; any use of it throws from then on. */
  close(): Promise<void>;
}
