// Sets variables of the C environment, which libhwloc and the libraries that it loads read.

import { environment, removeVariable } from '../environment/index.js';
import { invoke } from './errno.js';
import { native } from './native.js';
import { isMainThread } from './threads.js';

/**
 * Runs `body` with a variable of the C environment set, then restores the old value.
 *
 * libhwloc reads its settings with getenv(). In a worker thread `process.env` is a copy that getenv() does
 * not see. `body` must be synchronous, and no other thread may be inside libhwloc: setenv and getenv do not
 * lock each other out.
 */
export function withVariable<Result>(name: string, value: string, body: () => Result): Result {
  const before = get(name);
  invoke('setenv', () => native('setenv')(name, value, 1));
  try {
    return body();
  } finally {
    if (before === undefined) remove(name);
    else native('setenv')(name, before, 1);
  }
}

/**
 * Sets a variable of the C environment for good. If several threads of the process try at once, one succeeds.
 * (`process.env` is that environment in the main thread only; worker threads have copies.)
 *
 * @param value    Different in each thread.
 * @param isStale  Whether an existing value may be replaced.
 * @returns whether this call set it.
 */
export function setFirst(name: string, value: string, isStale: (value: string) => boolean): boolean {
  const before = get(name);
  if (before !== undefined) {
    if (!isStale(before)) return false;
    remove(name);
  }
  // Without overwriting: another thread may have set it since.
  invoke('setenv', () => native('setenv')(name, value, 0));
  return get(name) === value;
}

/**
 * In the main thread, Node's `process.env` is the C environment itself, so no C function has to be declared
 * to read it.
 */
function get(name: string): string | undefined {
  return isMainThread ? environment()[name] : ((native('getenv')(name) as string | null) ?? undefined);
}

function remove(name: string): void {
  if (isMainThread) removeVariable(name);
  else native('unsetenv')(name);
}

/** Like {@link withVariable}, for several variables. A variable whose value is undefined is removed. */
export function withVariables<Result>(
  values: Readonly<Record<string, string | undefined>>,
  body: () => Result,
): Result {
  const [first, ...others] = Object.entries(values);
  if (first === undefined) return body();
  const [name, value] = first;
  // Setting it first saves the old value, even of a variable that is then removed.
  return withVariable(name, value ?? '', () => {
    if (value === undefined) remove(name);
    return withVariables(Object.fromEntries(others), body);
  });
}
