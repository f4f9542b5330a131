// Reads a launcher's variables.

import type { Environment } from '../../environment/index.js';
import { HwlocShareError } from '../../errors/index.js';

/**
 * A launcher's variable is missing although its other variables are there, or its value contradicts the
 * documentation.
 */
export class IdentityError extends HwlocShareError {
  override readonly name = 'IdentityError';

  constructor(variable: string, value: string | undefined, why = 'a number was expected') {
    const reason = `${variable}=${value ?? '(not set)'}: ${why}`;
    super('HWLOC_SHARE_IDENTITY', { reason, message: `${reason}; this process takes itself to be alone` });
  }
}

/** The largest rank or count: launchers store them in an `int`. */
const most = 0x7fff_ffff;

/** A variable that holds a rank or a count: 0 to 2147483647. @throws IdentityError */
export function count(env: Environment, variable: string): number {
  const value = env[variable];
  if (value === undefined || value.length > 10 || !isDigits(value) || Number(value) > most) {
    throw new IdentityError(variable, value);
  }
  return Number(value);
}

/** Without a pattern, which would have to be compiled for these few characters. */
function isDigits(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (!'0123456789'.includes(value.charAt(i))) return false;
  return value !== '';
}

/**
 * Like {@link count}, for a variable that only some versions of the launcher set. @throws IdentityError  it
 * is set, but is not a count
 */
export function countIfSet(env: Environment, variable: string): number | undefined {
  return env[variable] === undefined ? undefined : count(env, variable);
}

/**
 * The value of a required variable: a name or an id. An id is not used as a number, so it may have any number
 * of digits: the step of a Slurm allocation's shell is 4294967290. @throws IdentityError
 */
export function text(env: Environment, variable: string): string {
  const value = env[variable];
  if (value === undefined || value === '') throw new IdentityError(variable, value, 'a name was expected');
  return value;
}
