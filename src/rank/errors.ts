// What join() and a session can throw.

/** This rank could not share the topology, and there is no fallback (`onFailure: 'throw'`, `--strict`). */
export class NotSharedError extends Error {
  override readonly name = 'NotSharedError';
  readonly code = 'NOT_SHARED';

  /** @param reason  Why, as in `outcome.reason`. */
  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`the topology was not shared: ${reason}; leave out --strict to go on with a private copy`, options);
  }
}

/** A rank cannot reach the other ranks at its barrier, and `onFailure` is `throw`. */
export class BarrierError extends Error {
  override readonly name = 'BarrierError';
  readonly code = 'BARRIER';

  constructor(readonly why: string) {
    super(`no barrier with the other ranks of this node: ${why}; leave out --strict to pass without them`);
  }
}

/** The value of `join({ share })` cannot be shared, or its function threw. */
export class ShareError extends Error {
  override readonly name = 'ShareError';
  readonly code = 'SHARE';

  constructor(
    readonly why: string,
    options?: ErrorOptions,
  ) {
    super(`join({ share }): ${why}`, options);
  }
}
