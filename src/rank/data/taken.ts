// What comes with a topology: the leader's data, and word to programs that this rank starts. Both are loaded only where a job has them.

import type { Plan } from '../../channel/index.js';
import type { Context } from '../context.js';
import { NotSharedError } from '../errors.js';
import { messageOf } from '../../errors/index.js';
import type { Shared } from './open.js';

/**
 * Maps the data that the leader has put in front of the topology in the file of a plan.
 *
 * @returns undefined where there is none, or where it cannot be mapped, which is said on stderr.
 * @throws NotSharedError  if it cannot be mapped, and the fallback is turned off.
 */
export async function takeData(context: Context, file: string, plan: Plan): Promise<Shared | undefined> {
  if (plan.offset === 0) return undefined;
  try {
    const { openShared } = await import('./open.js');
    return openShared(file, plan.offset);
  } catch (error) {
    const reason = `the leader's data cannot be mapped: ${messageOf(error)}`;
    if (context.settings.strict) throw new NotSharedError(reason, { cause: error });
    context.notice(reason);
    return undefined;
  }
}

/** Tells this rank's children of an adopted plan, if they are to know. */
export async function tellChildrenOf(context: Context, file: string, plan: Plan): Promise<void> {
  if (context.settings.xmlfile) (await import('./pmix.js')).tellOfPlan(file, plan);
}
