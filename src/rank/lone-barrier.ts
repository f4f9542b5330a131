// The barrier of a rank that cannot reach the others of its node: it passes, and says so once.

import type { Context } from './context.js';
import { BarrierError } from './errors.js';

/**
 * Makes such a barrier.
 *
 * @returns what passes it: `why` is what happened to the others. Resolves to false, since they did not take part.
 * @throws BarrierError  with `strict`.
 */
export function loneBarrier({
  settings,
  notice,
}: Pick<Context, 'settings' | 'notice'>): (why: string) => boolean {
  let hasTold = false;
  return (why) => {
    if (settings.strict) throw new BarrierError(why);
    if (!hasTold) notice(`this barrier is passed without the other ranks of this node: ${why}`);
    hasTold = true;
    return false;
  };
}
