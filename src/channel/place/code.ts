// The code of a system's error.

/** `ENOENT` and its like; undefined for an error that has none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
