// The errors of the binding: one class for each kind, each with a code and with advice for the caller.

import { HwlocShareError } from '../errors/index.js';

/**
 * No libhwloc could be loaded. The message lists the names that were tried, and says how to install libhwloc.
 */
export class LibhwlocNotFoundError extends HwlocShareError {
  override readonly name = 'LibhwlocNotFoundError';

  /**
   * @internal
   * @param attempts  What was tried, in order: `libhwloc.so.15: cannot open shared object file`.
   */
  constructor(readonly attempts: readonly string[]) {
    const advice =
      'install it (Debian: apt-get install libhwloc15, RHEL: dnf install hwloc-libs) ' +
      'or name the file in HWLOC_SHARE_LIBHWLOC';
    super('HWLOC_SHARE_LIBHWLOC_NOT_FOUND', {
      reason: `libhwloc was not found (${attempts.join('; ')})`,
      advice,
    });
  }
}

/** The libhwloc that was found is too old (before 2.0) or too new for this binding. */
export class LibhwlocUnsupportedError extends HwlocShareError {
  override readonly name = 'LibhwlocUnsupportedError';

  /** @internal */
  constructor(
    readonly file: string,
    readonly found: string,
  ) {
    super('HWLOC_SHARE_LIBHWLOC_UNSUPPORTED', {
      reason: `${file} is hwloc ${found}, and 2.0 to 3.x are supported`,
      advice: 'name another file in HWLOC_SHARE_LIBHWLOC',
    });
  }
}

/** A topology was used after `close()`. Its memory is gone, and reading it would crash the process. */
export class TopologyClosedError extends HwlocShareError {
  override readonly name = 'TopologyClosedError';

  /** @internal */
  constructor() {
    super('HWLOC_SHARE_TOPOLOGY_CLOSED', {
      reason: 'this topology was closed',
      advice: 'call close() only when you do not use it any more',
    });
  }
}

/** An object of one topology was passed to another topology, or to an object of another topology. */
export class ForeignObjectError extends HwlocShareError {
  override readonly name = 'ForeignObjectError';

  /** @internal */
  constructor(object: { readonly label: string }) {
    super('HWLOC_SHARE_FOREIGN_OBJECT', {
      reason: `${object.label} belongs to another topology`,
      advice: 'look it up in this one',
    });
  }
}

/** This libhwloc, machine or topology does not support the operation. Nothing was tried. */
export class NotSupportedError extends HwlocShareError {
  override readonly name = 'NotSupportedError';

  /**
   * @internal
   * @param feature  What is missing: a function of hwloc, or the name of a support bit.
   */
  constructor(
    readonly feature: string,
    why: string,
  ) {
    super('HWLOC_SHARE_NOT_SUPPORTED', { reason: `${feature}: ${why}` });
  }
}
