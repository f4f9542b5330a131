// The errors of the binding: one class per kind, each with a code and with what the caller can do.

/** What to do about an errno, where the function at hand has nothing more precise to say. */
const commonAdvice: Record<string, string> = {
  EBUSY: 'something is mapped in the range: choose another address',
  EINVAL: 'an argument is not what the function accepts',
  ENOMEM: 'the process may not map or allocate more: look at ulimit -v and at the free memory',
  ENOSPC: 'the file system is full: free some space or use another directory',
  EDQUOT: 'the disk quota is used up: free some space or use another directory',
  EFBIG: 'the file may not be as long as this: look at ulimit -f',
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory: name a file',
  ENOTDIR: 'it is not a directory',
  ENOSYS: 'this build of libhwloc, or this system, cannot do it',
};

/**
 * A function of libhwloc or libc failed.
 *
 * `code` is the name of the errno (`'EBUSY'`), `function` the C function, and `advice` what the caller can do; the
 * message holds all three on one line.
 */
export class HwlocError extends Error {
  override readonly name = 'HwlocError';
  readonly code: string;
  readonly function: string;
  readonly advice: string;

  constructor(
    functionName: string,
    code: string,
    advice = commonAdvice[code] ?? 'see the manual of this function',
  ) {
    super(`${functionName}: ${code}: ${advice}`);
    this.function = functionName;
    this.code = code;
    this.advice = advice;
  }
}

/** koffi, which calls libhwloc, could not be loaded; the message says why and what to do. */
export class KoffiNotLoadedError extends Error {
  override readonly name = 'KoffiNotLoadedError';
  readonly code = 'KOFFI_NOT_LOADED';

  /** @param cause  What Node said. */
  constructor(cause: unknown) {
    const { message, code } = cause as NodeJS.ErrnoException;
    const advice =
      code === 'ERR_DLOPEN_DISABLED'
        ? 'run node without --no-addons (with --permission: add --allow-addons)'
        : 'install it for this platform: npm install --include=optional koffi';
    const reason = message.split('\n', 1)[0]?.replace(/\.$/, '') ?? '';
    super(`koffi, which calls libhwloc, could not be loaded (${reason}); ${advice}`, { cause });
  }
}

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
