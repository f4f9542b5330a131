// A session: what join() resolves to.

import type { CpuSet, NodeSet, Topology } from '../hwloc/index.js';
import type { Outcome } from './outcome.js';
import type { Shared } from './data/open.js';

/** The CPUs and NUMA nodes that a process may use; undefined if the system does not tell. */
export interface AllowedSets {
  readonly cpus: CpuSet | undefined;
  readonly nodes: NodeSet | undefined;
}

/** Which rank this process is, and the topology that it shares with the other ranks of its node. */
export interface Session extends AsyncDisposable {
  /** The number of this process in the job, from 0. */
  readonly rank: number;
  /** The number of processes of the job; undefined if the launcher does not tell. */
  readonly size: number | undefined;
  /** The number of this process on its node, from 0; undefined if the launcher does not tell. */
  readonly localRank: number | undefined;
  /**
   * The number of processes of the job on this node; undefined if the launcher does not tell. (The ranks that have joined may not be
   * all, and a wrong number would be worse than none.)
   */
  readonly localSize: number | undefined;
  /** The name of the node. */
  readonly node: string;
  /** The topology, read-only. All sessions of this process have the same one; the last `close()` unmaps it. */
  readonly topology: Topology;
  /** The CPUs and NUMA nodes that the cgroup of this rank allows. Those of other ranks may differ. */
  readonly allowed: AllowedSets;
  /**
   * The data that the leader passed to `join({ share })`, by name: the same pages in all ranks of the node. Empty if there is none.
   *
   * If this process writes to the data, it changes its own copy of the page, which no other rank sees. The data stays after `close()`.
   * Its memory is freed when this process does not refer to it any more.
   */
  readonly shared: Shared;
  /** How this rank got its topology, why, and how long each step took. */
  readonly outcome: Outcome;
  /**
   * Waits until every rank of this node that has joined and is still there has called it as often as this one.
   *
   * @returns whether all ranks of the node took part, as many as the launcher told of. If false, some had died, left or not come,
   *          or this rank could not reach the others, and a line on stderr says so.
   * @throws BarrierError  this rank could not reach the others, and `strict` is set.
   */
  barrier(): Promise<boolean>;
  /** Leaves the job. The last session of a process unmaps the topology; any use of it then throws. */
  close(): Promise<void>;
}
