// The base of all our errors, and what an error of any kind says. Imports nothing of ours.

/** What an error tells, apart from its code. */
interface Told {
  /** What happened, and why: one line. */
  readonly reason: string;
  /** What to do about it. */
  readonly advice?: string | undefined;
  /** One line with both. Default: the reason, a semicolon, the advice. */
  readonly message?: string;
  readonly cause?: unknown;
}

/** Any error of hwloc-share. Its kinds are classes that extend this one; `code` tells them apart. */
export class HwlocShareError extends Error {
  override readonly name: string = 'HwlocShareError';
  /**
   * `HWLOC_SHARE_…`, one for each kind: docs/troubleshooting.md has a table. An `HwlocError` has the name of the errno instead (`EBUSY`), as
   * Node's own system errors do.
   */
  readonly code: string;
  /** What happened, and why. */
  readonly reason: string;
  /** What to do about it; undefined if the reason says all. */
  readonly advice: string | undefined;

  /** @internal */
  constructor(code: string, { reason, advice, message, ...options }: Told) {
    super(message ?? (advice === undefined ? reason : `${reason}; ${advice}`), options);
    this.code = code;
    this.reason = reason;
    this.advice = advice;
  }
}

/** An error's own words, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `ENOENT` and its like; undefined for an error that has none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
