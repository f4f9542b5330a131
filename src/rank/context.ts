// What all parts of a join need to know.

import type { Environment, IoFilter, Settings } from '../environment/index.js';
import type { Topology } from '../hwloc/index.js';
import type { Allowed } from './allowed.js';
import type { Clock, Outcome } from './outcome.js';
import type { Placed } from './placed.js';
import type { Recorder } from './recorder.js';
import type { Shared } from './shared.js';

/** Named bytes: of an ArrayBuffer, or what a view of one shows. Names have 1 to 255 bytes; there may be 4,096 of them. */
export type SharedData = Readonly<Record<string, ArrayBufferLike | ArrayBufferView>>;

/** Named bytes, or what makes them. */
export type Share = SharedData | (() => SharedData | Promise<SharedData>);

/** Options of `join()`; each goes before the environment variable of the same meaning. */
export interface JoinOptions {
  /** `ladder` (default): a rank that cannot share gets a private topology. `throw`: it gets a {@link NotSharedError}. */
  readonly onFailure?: 'ladder' | 'throw';
  /** Seconds to wait for ranks that do not come. Default: HWLOC_SHARE_TIMEOUT, else 30. */
  readonly timeout?: number;
  /** I/O objects in the topology. The leader's choice holds for all. Default: HWLOC_SHARE_IO, else `important`. */
  readonly io?: IoFilter;
  /**
   * Which hole to put the topology into: `scatter`, `begin`, `biggest`, `libs`, `heap`, `stack`, or an address (`0x…`). The
   * leader's choice holds for all. Default: HWLOC_SHARE_HOLE, else `scatter`.
   */
  readonly hole?: string;
  /**
   * Data for all ranks of the node, in the file of the topology: `session.shared` has it, under the same names, with no copy.
   *
   * The leader's holds for all, and is read while the join lasts. Where all ranks give the same, whoever leads has it, and who cannot
   * share has it of its own; so a function is called in the leader and in those only.
   */
  readonly share?: Share;
}

/** A join under way in one rank. */
export interface Context {
  readonly identity: Placed;
  readonly settings: Settings;
  readonly env: Environment;
  readonly roots: readonly string[];
  readonly clock: Clock;
  /** When this rank came, by {@link now}. */
  readonly since: number;
  readonly allowed: Allowed;
  /** What this rank would share if it led. */
  readonly share: Share | undefined;
  /** One line on stderr, with the node and the rank in front. */
  readonly notice: (text: string) => void;
  /** Where the wrapper makes a report of the job. */
  readonly recorder: Recorder | undefined;
}

/** What a join results in, before it is handed out as a session. */
export interface Joined {
  readonly topology: Topology;
  readonly outcome: Outcome;
  /** The leader's data, where it has some and this rank has got it. */
  readonly shared?: Shared | undefined;
  readonly barrier: () => Promise<void>;
  /** Leaves the job: closes pipes, and removes what this rank has to remove. */
  readonly leave: () => void;
}
