// What comes with an adopted topology: the leader's data, and word to programs that this rank starts. Both are loaded only where a job
// has them.

import type { Plan } from '../channel/index.js';
import type { Context } from './context.js';
import { NotSharedError } from './errors.js';
import { messageOf } from './notice.js';
import type { Shared } from './shared.js';

/**
 * Maps the data that the leader has put at the beginning of a file.
 *
 * @returns undefined where there is none, or it cannot be had, which is said on stderr.
 * @throws NotSharedError  in that case, with the ladder turned off.
 */
export async function getShared(
  context: Context,
  file: string | undefined,
  length: number | undefined,
): Promise<Shared | undefined> {
  if (file === undefined || length === undefined) return undefined;
  try {
    const { openShared } = await import('./shared.js');
    return openShared(file, length);
  } catch (error) {
    const reason = `the leader's data cannot be had: ${messageOf(error)}`;
    if (context.settings.strict) throw new NotSharedError(reason, { cause: error });
    context.notice(reason);
    return undefined;
  }
}

/** Maps the data that a plan comes with, and tells this rank's children of the plan if they are to know. @throws as {@link getShared} */
export async function takeWhatComesWith(context: Context, plan: Plan): Promise<Shared | undefined> {
  if (context.settings.xmlfile) (await import('./pmix.js')).tellOfPlan(plan);
  return getShared(context, plan.file, plan.data);
}
