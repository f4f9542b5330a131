// The options of join(), and their checks, which run before the join begins.

import { type Check, checkOptions, flag, oneOf } from '../check/index.js';
import { type IoFilter, ioFilters, longestTimeout } from '../environment/index.js';
import { pageSize } from '../libc/index.js';
import { parsePolicy } from '../maps/index.js';

/** Named bytes: ArrayBuffers, or views of one. A name has 1 to 255 bytes; there are at most 4,096 names. */
export type SharedData = Readonly<Record<string, ArrayBufferLike | ArrayBufferView>>;

/** Named bytes, or a function that makes them. */
export type Share = SharedData | (() => SharedData | Promise<SharedData>);

/** Options of `join()`. An option takes precedence over the environment variable with the same meaning. */
export interface JoinOptions {
  /**
   * Whether `join()` rejects with a {@link NotSharedError} if this rank cannot share, instead of giving it a private topology.
   * Default: HWLOC_SHARE_STRICT, else false.
   */
  readonly strict?: boolean;
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

const timeout: Check = (value) =>
  typeof value === 'number' && value > 0 && value <= longestTimeout
    ? undefined
    : `a number of seconds above 0, up to ${longestTimeout}`;

const hole: Check = (value) => {
  const policy = typeof value === 'string' ? parsePolicy(value) : undefined;
  if (policy !== undefined && (typeof policy === 'string' || policy.address % pageSize() === 0))
    return undefined;
  return `'scatter', 'begin', 'biggest', 'libs', 'heap', 'stack' or an address such as '0x420000000000', a multiple of ${pageSize()}`;
};

/** @throws InvalidArgumentError */
export function checkJoinOptions(options: JoinOptions): void {
  checkOptions('join', options, {
    strict: flag,
    timeout,
    io: oneOf(ioFilters),
    hole,
    // data/make.ts checks it, and has its own error.
    share: () => undefined,
  });
}
