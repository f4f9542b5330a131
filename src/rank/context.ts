// What all parts of a join need to know.

import type { NumberedRoots } from '../channel/place/index.js';
import type { Environment, IoFilter, Settings } from '../environment/index.js';
import type { Allowed } from './allowed.js';
import type { RankIdentity } from './identity.js';
import type { Clock } from './outcome.js';
import type { Recorder } from './report/recorder.js';

/** Named bytes: ArrayBuffers, or views of one. A name has 1 to 255 bytes; there are at most 4,096 names. */
export type SharedData = Readonly<Record<string, ArrayBufferLike | ArrayBufferView>>;

/** Named bytes, or a function that makes them. */
export type Share = SharedData | (() => SharedData | Promise<SharedData>);

/** Options of `join()`. An option takes precedence over the environment variable with the same meaning. */
export interface JoinOptions {
  /** If a rank cannot share: `ladder` (default) gives it a private topology, `throw` makes `join()` reject with a {@link NotSharedError}. */
  readonly onFailure?: 'ladder' | 'throw';
  /** Seconds to wait for a leader or a rank that is stopped. Default: HWLOC_SHARE_TIMEOUT, else 30. */
  readonly timeout?: number;
  /** I/O objects in the topology. The leader's choice holds for all. Default: HWLOC_SHARE_IO, else `important`. */
  readonly io?: IoFilter;
  /**
   * Where to map the topology: `scatter`, `begin`, `biggest`, `libs`, `heap`, `stack`, or an address (`0x…`). The
   * leader's choice holds for all. Default: HWLOC_SHARE_HOLE, else `scatter`.
   */
  readonly hole?: string;
  /**
   * Data for all ranks of the node, in the file of the topology. `session.shared` has it under the same names, without a copy.
   *
   * Pass the same value in every rank. A function is called only in the leader and in ranks that cannot share. Do not change
   * the data during the join.
   */
  readonly share?: Share;
}

/** A join under way in one rank. */
export interface Context {
  readonly identity: RankIdentity;
  readonly settings: Settings;
  readonly env: Environment;
  /** Where channels and topologies may be, best first. */
  readonly roots: readonly string[];
  /** The same by their numbers in the protocol. */
  readonly numberedRoots: NumberedRoots;
  readonly clock: Clock;
  readonly allowed: Allowed;
  /** What this rank would share if it led. */
  readonly share: Share | undefined;
  /** One line on stderr, with the node and the rank in front. */
  readonly notice: (text: string) => void;
  /** Where the wrapper makes a report of the job. */
  readonly recorder: Recorder | undefined;
}
