// Checks --hole before a job starts.

import { readFileSync } from 'node:fs';
import { type HolePolicy, parsePolicy } from '../../maps/index.js';
import { UsageError } from '../errors.js';
import { ownOptions } from './options.js';

/**
 * Reads the value of `--hole`, or of its variable.
 *
 * @param option  The name of the option or variable, as the user gave it.
 * @throws UsageError
 */
export function policyFrom(text: string, option: string): HolePolicy {
  const policy = parsePolicy(text);
  if (policy === undefined) {
    throw new UsageError(
      `${option} takes one of ${ownOptions.hole.usual.join(', ')}, or 0xADDRESS, not ${text}`,
    );
  }
  const pageSize = ownPageSize();
  if (typeof policy === 'object' && policy.address % pageSize !== 0) {
    throw new UsageError(
      `${option} takes an address that is a multiple of the page size, ${pageSize}, not ${text}`,
    );
  }
  return policy;
}

/** The page size (AT_PAGESZ), without loading koffi. @see getauxval(3) */
export function ownPageSize(): number {
  const AT_PAGESZ = 6n;
  const words = new BigUint64Array(new Uint8Array(readFileSync('/proc/self/auxv')).buffer);
  const at = words.findIndex((word, i) => i % 2 === 0 && word === AT_PAGESZ);
  return Number(words[at + 1] ?? 4096n);
}
