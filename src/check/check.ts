// Checks of arguments and options: each says what is allowed, and the error shows what was given.

import { InvalidArgumentError } from './errors.js';
import { nearest } from './nearest.js';

/**
 * Checks a value. Returns undefined if the value is allowed, otherwise what is allowed: `a whole number from
 * 0`.
 */
export type Check = (value: unknown) => string | undefined;

/** One of several texts. */
export function oneOf(allowed: readonly string[]): Check {
  return (value) => {
    if (typeof value !== 'string') return listed(allowed);
    return allowed.includes(value) ? undefined : listed(allowed, nearest(value, allowed));
  };
}

/** A text without NUL, which would end it for C. */
export const text: Check = (value) =>
  typeof value === 'string' && !value.includes('\0') ? undefined : 'a string without NUL characters';

export const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false');

/** A whole number, both ends included. */
export function wholeWithin(min: number, max = Number.MAX_SAFE_INTEGER): Check {
  return (value) => {
    if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return undefined;
    return `a whole number from ${min}${max === Number.MAX_SAFE_INTEGER ? '' : ` to ${max}`}`;
  };
}

/**
 * Checks one argument.
 *
 * @throws InvalidArgumentError
 */
export function check(name: string, value: unknown, each: Check): void {
  const allowed = each(value);
  if (allowed !== undefined)
    throw new InvalidArgumentError(`${name} ${shown(value)} is not allowed; use ${allowed}`);
}

/**
 * Checks an object of options, each option with its own check. Other options are errors.
 *
 * @param call  The function as users call it: `topology.distances`.
 * @throws InvalidArgumentError
 */
export function checkOptions<Options extends object>(
  call: string,
  options: Options,
  checks: Readonly<Record<keyof Options, Check>>,
): void {
  if (typeof options !== 'object' || (options as unknown) === null) {
    throw new InvalidArgumentError(`${call}(${shown(options)}): the options must be an object`);
  }
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(checks, name))
      throw new InvalidArgumentError(unknownOption(call, name, Object.keys(checks)));
  }
  // Iterates over the known names, since inherited properties count too.
  for (const [name, each] of Object.entries<Check>(checks)) {
    const value = options[name as keyof Options];
    const allowed = value === undefined ? undefined : each(value);
    if (allowed !== undefined) {
      throw new InvalidArgumentError(`${call}({ ${name}: ${shown(value)} }) is not allowed; use ${allowed}`);
    }
  }
}

function unknownOption(call: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known);
  const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `${call}({ ${name} }): there is no such option, only ${known.join(', ')}${hint}`;
}

/** `'a', 'b' or 'c'`, with the one that may have been meant. */
export function listed(words: readonly string[], meant?: string): string {
  const quoted = words.map((word) => `'${word}'`);
  const all =
    quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1) ?? ''}`;
  return meant === undefined ? all : `${all}; did you mean '${meant}'?`;
}

/** A value in a few words, on one line. */
export function shown(value: unknown): string {
  const { inspect } = process.getBuiltinModule('node:util');
  try {
    const whole = inspect(value, { depth: 0, breakLength: Infinity, maxArrayLength: 5, maxStringLength: 60 });
    return whole.replace(/\s+/g, ' ').slice(0, 200);
  } catch {
    return `(${typeof value})`; // For example an object of a closed topology, which cannot be printed.
  }
}
