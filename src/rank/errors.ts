// The errors of join() and of sessions.

import { HwlocShareError } from '../errors/index.js';

/**
 * This rank could not share the topology, and there is no fallback (`strict`). `reason` says why, as in an
 * outcome.
 */
export class NotSharedError extends HwlocShareError {
  override readonly name = 'NotSharedError';

  /** @internal */
  constructor(reason: string, options?: ErrorOptions) {
    const advice = 'leave out --strict to go on with a private copy';
    const message = `the topology was not shared: ${reason}; ${advice}`;
    super('HWLOC_SHARE_NOT_SHARED', { reason, advice, message, ...options });
  }
}

/** A rank cannot reach the other ranks at its barrier, and `strict` is set. */
export class BarrierError extends HwlocShareError {
  override readonly name = 'BarrierError';

  /** @internal */
  constructor(reason: string) {
    const advice = 'leave out --strict to pass without them';
    const message = `no barrier with the other ranks of this node: ${reason}; ${advice}`;
    super('HWLOC_SHARE_BARRIER', { reason, advice, message });
  }
}

/** The value of `join({ share })` cannot be shared, or its function threw. */
export class ShareError extends HwlocShareError {
  override readonly name = 'ShareError';

  /** @internal */
  constructor(reason: string, options?: ErrorOptions) {
    super('HWLOC_SHARE_DATA', { reason, message: `join({ share }): ${reason}`, ...options });
  }
}
