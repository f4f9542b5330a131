// The base class of all errors of hwloc-share, and helpers to read any error. Imports no other folder of src.

/** The texts of an error. */
interface Told {
  /** What happened, and why: one line. */
  readonly reason: string;
  /** What to do about it. */
  readonly advice?: string | undefined;
  /** One line with both. Default: the reason, a semicolon, the advice. */
  readonly message?: string;
  readonly cause?: unknown;
}

/** Any error of hwloc-share. Each kind is a class that extends this one; `code` tells the kinds apart. */
export class HwlocShareError extends Error {
  override readonly name: string = 'HwlocShareError';
  /**
   * `HWLOC_SHARE_…`, one for each kind: docs/troubleshooting.md has a table. For an `HwlocError` it is the
   * name of the errno (`EBUSY`), as in Node's own system errors.
   */
  readonly code: string;
  /** What happened, and why. */
  readonly reason: string;
  /** What to do about it; undefined if the reason is enough. */
  readonly advice: string | undefined;

  /** @internal */
  constructor(code: string, { reason, advice, message, ...options }: Told) {
    super(message ?? (advice === undefined ? reason : `${reason}; ${advice}`), options);
    this.code = code;
    this.reason = reason;
    this.advice = advice;
  }
}

/** The message of an error, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The code of an error, such as `ENOENT`; undefined if it has none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
