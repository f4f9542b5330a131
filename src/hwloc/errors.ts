// The errors of the binding: one class per kind, each with a code and with what the caller can do.

/** No libhwloc could be loaded; the message says what was looked for and how to install it. */
export class LibhwlocNotFoundError extends Error {
  override readonly name = 'LibhwlocNotFoundError';
  readonly code = 'LIBHWLOC_NOT_FOUND';

  /** @param attempts  What was tried, in order: `libhwloc.so.15: cannot open shared object file`. */
  constructor(readonly attempts: readonly string[]) {
    super(
      `libhwloc was not found (${attempts.join('; ')}); install it (Debian: apt-get install libhwloc15, ` +
        `RHEL: dnf install hwloc-libs) or name the file in HWLOC_SHARE_LIBHWLOC`,
    );
  }
}

/** The libhwloc that was found is too old (before 2.0) or too new for this binding. */
export class LibhwlocUnsupportedError extends Error {
  override readonly name = 'LibhwlocUnsupportedError';
  readonly code = 'LIBHWLOC_UNSUPPORTED';

  constructor(
    readonly file: string,
    readonly found: string,
  ) {
    super(
      `${file} is hwloc ${found}, and 2.0 to 3.x are supported; name another file in HWLOC_SHARE_LIBHWLOC`,
    );
  }
}

/** A topology was used after `close()`: its memory is gone, and reading it would crash the process. */
export class TopologyClosedError extends Error {
  override readonly name = 'TopologyClosedError';
  readonly code = 'TOPOLOGY_CLOSED';

  constructor() {
    super('this topology was closed; call close() only when you do not use it any more');
  }
}

/** An object of one topology was passed to another topology, or to an object of another one. */
export class ForeignObjectError extends Error {
  override readonly name = 'ForeignObjectError';
  readonly code = 'FOREIGN_OBJECT';

  constructor(object: { readonly label: string }) {
    super(`${object.label} belongs to another topology; look it up in this one`);
  }
}

/** This libhwloc, machine or topology cannot do it; nothing was tried. */
export class NotSupportedError extends Error {
  override readonly name = 'NotSupportedError';
  readonly code = 'NOT_SUPPORTED';

  /** @param feature  What is missing: a function of hwloc, or the name of a support bit. */
  constructor(
    readonly feature: string,
    reason: string,
  ) {
    super(`${feature}: ${reason}`);
  }
}
