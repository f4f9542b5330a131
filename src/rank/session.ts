// A session: what join() resolves to.

import type { CpuSet, NodeSet, Topology } from '../hwloc/index.js';
import type { Outcome } from './outcome.js';
import type { Shared } from './data/open.js';

/** The CPUs and NUMA nodes that a process may use; undefined if the system does not report them. */
export interface AllowedSets {
  readonly cpus: CpuSet | undefined;
  readonly nodes: NodeSet | undefined;
}

/** Which rank this process is, and the topology that it shares with the other ranks of its node. */
export interface Session extends AsyncDisposable {
  /** The number of this process in the job, from 0. */
  readonly rank: number;
  /** The number of processes of the job; undefined if the launcher does not give it. */
  readonly size: number | undefined;
  /** The number of this process on its node, from 0; undefined if the launcher does not give it. */
  readonly localRank: number | undefined;
  /**
   * The number of processes of the job on this node; undefined if the launcher does not give it. (It is not
   * counted, since not all ranks may have joined.)
   */
  readonly localSize: number | undefined;
  /** The name of the node. */
  readonly node: string;
  /** The topology, read-only. All sessions of this process have the same one; the last `close()` unmaps it. */
  readonly topology: Topology;
  /** The CPUs and NUMA nodes that the cgroup of this rank allows. Other ranks may have other ones. */
  readonly allowed: AllowedSets;
  /**
   * The data that the leader passed to `join({ share })`, by name: the same pages in all ranks of the node.
   * Empty if there is none.
   *
   * If this process writes to the data, it changes its own copy of the page, which no other rank sees. The
   * data stays after `close()`. Its memory is freed when this process no longer refers to it.
   */
  readonly shared: Shared;
  /** How this rank got its topology, why, and how long each phase took. */
  readonly outcome: Outcome;
  /**
   * Waits until every rank of this node that has joined, and has not left or died, has called `barrier()` as
   * often as this rank.
   *
   * @returns whether all ranks of the node took part, as many as the launcher gave. If false, some had died,
   *   left or not come, or this rank could not reach the others. Then a line on stderr says so.
   * @throws BarrierError  this rank could not reach the others, and `strict` is set.
   */
  barrier(): Promise<boolean>;
  /** Leaves the job. The last session of a process unmaps the topology; any use of it then throws. */
  close(): Promise<void>;
}
