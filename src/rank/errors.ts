// What join() and a session can throw.

/** The topology could not be shared, and there is no fallback (`onFailure: 'throw'`, `--strict`). */
export class NotSharedError extends Error {
  override readonly name = 'NotSharedError';
  readonly code = 'NOT_SHARED';

  /** @param reason  Why, as the outcome would say it. */
  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`the topology was not shared: ${reason}; leave out --strict to go on with a private copy`, options);
  }
}

/** A rank cannot reach the others at its barrier, and `onFailure` is `throw`. */
export class BarrierError extends Error {
  override readonly name = 'BarrierError';
  readonly code = 'BARRIER';

  constructor(readonly why: string) {
    super(`no barrier with the other ranks of this node: ${why}; leave out --strict to pass without them`);
  }
}

/** What was given to `join({ share })` cannot be shared, or could not be made. */
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
