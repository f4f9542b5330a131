// The one way to call a C function that reports failure by -1 and errno.

import { koffi } from './koffi.js';
import { HwlocError } from '../errors.js';
import { errnoName } from './errno.js';

/** A C function as koffi declares it. Arguments and results are numbers, strings and typed arrays. */
export interface NativeFunction {
  (...args: unknown[]): unknown;
  async(...args: unknown[]): void;
}

/**
 * Calls a function that returns a negative number on failure.
 *
 * errno is set to 0 before, because several functions of hwloc fail without touching it, and is looked at only after a
 * failure. A failure that left errno at 0 is reported as `EINVAL`.
 *
 * @param name    The C function, for the error.
 * @param advice  What to do for some errno names, where that is more precise than the common advice.
 * @throws HwlocError
 */
export function invoke(name: string, call: () => unknown, advice: Record<string, string> = {}): number {
  koffi.errno(0);
  const result = Number(call());
  if (result >= 0) return result;
  throw failure(name, koffi.errno(), advice);
}

/** The same on a thread of koffi's pool, so that the event loop goes on. The function must not touch what JS touches. */
export function invokeAsync(
  name: string,
  native: NativeFunction,
  args: readonly unknown[],
  advice: Record<string, string> = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    native.async(...args, (error: Error | null, result: unknown) => {
      // koffi carries the pool thread's errno over to this thread before it calls back.
      const errno = koffi.errno();
      if (error) reject(error);
      else if (Number(result) >= 0) resolve(Number(result));
      else reject(failure(name, errno, advice));
    });
  });
}

function failure(name: string, errno: number, advice: Record<string, string>): HwlocError {
  const code = errno === 0 ? 'EINVAL' : errnoName(errno);
  return new HwlocError(name, code, advice[code]);
}
