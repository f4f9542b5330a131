// Checks of the options of join(), before anything of it begins.

import { type Check, checkOptions, oneOf } from '../check/index.js';
import { ioFilters } from '../environment/index.js';
import { pageSize } from '../libc/index.js';
import { parsePolicy } from '../maps/index.js';
import type { JoinOptions } from './context.js';

/** A day: the most that HWLOC_SHARE_TIMEOUT may be, too. */
const longestTimeout = 86_400;

const timeout: Check = (value) =>
  typeof value === 'number' && value > 0 && value <= longestTimeout
    ? undefined
    : `a number of seconds above 0, up to ${longestTimeout}`;

const hole: Check = (value) => {
  const policy = typeof value === 'string' ? parsePolicy(value) : undefined;
  if (policy !== undefined && (typeof policy === 'string' || policy.address % pageSize() === 0))
    return undefined;
  return `'scatter', 'begin', 'biggest', 'libs', 'heap', 'stack' or an address such as '0x420000000000', a multiple of ${pageSize()}`;
};

/** @throws InvalidArgumentError */
export function checkJoinOptions(options: JoinOptions): void {
  checkOptions('join', options, {
    onFailure: oneOf(['ladder', 'throw']),
    timeout,
    io: oneOf(ioFilters),
    hole,
    // Looked at by share.ts, which has an error of its own.
    share: () => undefined,
  });
}
