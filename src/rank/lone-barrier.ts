// Barriers of a rank that cannot reach the others.

import type { Context } from './context.js';
import { BarrierError } from './errors.js';

/**
 * The barrier of a rank that never met the others, or has lost them: there is nobody to wait for it, or to be waited for.
 *
 * It says so once, and lets the rank pass: a job must not fail because sharing did. Where the ladder is turned off it throws.
 *
 * @param why  What happened to the others.
 */
export function loneBarrier(
  { settings, notice }: Pick<Context, 'settings' | 'notice'>,
  why: string,
): () => Promise<void> {
  let said = false;
  return () => {
    if (settings.strict) return Promise.reject(new BarrierError(why));
    if (!said) notice(`${why}; it passes its barriers without the others`);
    said = true;
    return Promise.resolve();
  };
}
