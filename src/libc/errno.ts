// Names errno numbers, and calls C functions that report failure by -1 and errno.

import { HwlocError } from './errors.js';
import { koffi } from './koffi.js';

// Some numbers have two names. These are the names that manuals do not use.
const aliases = ['EWOULDBLOCK', 'EDEADLOCK', 'EOPNOTSUPP'];

/** `EBUSY` for 16, and `E<number>` for a number that this system does not name. */
export function errnoName(errno: number): string {
  // Searched at each failure. A table made beforehand is 80 KB of garbage in each rank, and most ranks never
  // see a failure.
  const found = Object.entries(koffi.os.errno).find(
    ([name, number]) => number === errno && !aliases.includes(name),
  );
  return found?.[0] ?? `E${errno}`;
}

/** A C function as koffi declares it. Arguments and results are numbers, strings and typed arrays. */
export interface NativeFunction {
  (...args: unknown[]): unknown;
  async(...args: unknown[]): void;
}

/**
 * Calls a function that returns a negative number on failure.
 *
 * errno is set to 0 before the call, because several functions of hwloc fail without setting errno. errno is
 * read only after a failure. A failure that left errno at 0 is reported as `EINVAL`.
 *
 * @param name    The C function, for the error.
 * @param advice  What to do, by errno name, if that is more precise than the common advice.
 * @throws HwlocError
 */
export function invoke(name: string, call: () => unknown, advice: Record<string, string> = {}): number {
  koffi.errno(0);
  const result = Number(call());
  if (result >= 0) return result;
  throw failure(name, koffi.errno(), advice);
}

/** The error of a function that failed. `errno` is 0 if it is not known. */
export function failure(name: string, errno: number, advice: Record<string, string>): HwlocError {
  const code = errno === 0 ? 'EINVAL' : errnoName(errno);
  return new HwlocError(name, code, advice[code]);
}
