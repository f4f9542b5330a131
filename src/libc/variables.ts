// Variables of the C environment, which libhwloc and the libraries that it loads read.

import { environment, removeVariable } from '../environment/index.js';
import { invoke } from './errno.js';
import { native } from './native.js';
import { isMainThread } from './threads.js';

/**
 * Runs `body` with a variable of the C environment set, and puts the old value back.
 *
 * libhwloc reads its settings with getenv(); `process.env` is a copy in worker threads and would not reach it. Only for
 * synchronous bodies, and not while another thread may be inside libhwloc: setenv and getenv do not lock each other out.
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
 * Sets a variable of the C environment for good, in one thread of all of a process that try at once. (`process.env` is that environment
 * in the main thread only; worker threads have copies.)
 *
 * @param value    Unlike any other thread's.
 * @param isStale  Whether a value that it has already may go.
 * @returns whether it was this call that set it.
 */
export function setFirst(name: string, value: string, isStale: (value: string) => boolean): boolean {
  const before = get(name);
  if (before !== undefined) {
    if (!isStale(before)) return false;
    remove(name);
  }
  // Not to overwrite what another thread has set since.
  invoke('setenv', () => native('setenv')(name, value, 0));
  return get(name) === value;
}

/** In the main thread, Node's `process.env` is the C environment itself, and no function has to be declared to ask it. */
function get(name: string): string | undefined {
  return isMainThread ? environment()[name] : ((native('getenv')(name) as string | null) ?? undefined);
}

function remove(name: string): void {
  if (isMainThread) removeVariable(name);
  else native('unsetenv')(name);
}

/** The same with several variables; one whose value is undefined is taken out. */
export function withVariables<Result>(
  values: Readonly<Record<string, string | undefined>>,
  body: () => Result,
): Result {
  const [first, ...others] = Object.entries(values);
  if (first === undefined) return body();
  const [name, value] = first;
  // Setting it first keeps the old value for afterwards, also of one that is taken out.
  return withVariable(name, value ?? '', () => {
    if (value === undefined) remove(name);
    return withVariables(Object.fromEntries(others), body);
  });
}
