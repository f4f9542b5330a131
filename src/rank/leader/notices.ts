// The leader's notices to the user about other ranks.

import type { Context } from '../context.js';
import { listOf } from '../stderr.js';
import type { Rules } from '../meeting/steps.js';
import { type Peers, localsOf, othersExpected } from './peers.js';

/** Says which ranks were given up because they did not answer. */
export function tellOfDropped(context: Context, { timeout }: Rules, peers: Peers): void {
  const dropped = peers.filter(({ said, absence }) => absence === 'dropped' && said !== undefined);
  if (dropped.length === 0) return;
  const seconds = timeout / 1000;
  const [ranks, , them] = named(context, localsOf(dropped));
  context.notice(
    `${ranks} did not answer within ${seconds} s (HWLOC_SHARE_TIMEOUT); continuing without ${them}`,
  );
}

/** Ranks as the subject of a sentence, with `has` or `have`, and `it` or `them`. */
function named(
  { identity }: Context,
  locals: readonly number[],
): [ranks: string, have: string, them: string] {
  const which = identity.size === identity.localSize ? '' : 'local ';
  return locals.length === 1
    ? [`${which}rank ${listOf(locals)}`, 'has', 'it']
    : [`${which}ranks ${listOf(locals)}`, 'have', 'them'];
}

/** Says which ranks the leader continues without. */
export function tellOfMissing(context: Context, rules: Rules, peers: Peers): void {
  const missing = missingIn(rules, peers);
  if (missing.length === 0) return;
  const [ranks, have, them] = named(context, missing);
  const they = missing.length === 1 ? 'it' : 'they';
  context.notice(`${ranks} ${have} not joined; continuing without ${them} (${they} can still join)`);
}

/**
 * The ranks that the launcher told of and that have said nothing. Without ranks that died: their launcher
 * reports those.
 */
export function missingIn(rules: Rules, peers: Peers): number[] {
  const came = new Set(
    localsOf(peers.filter(({ said, absence }) => said !== undefined || absence === 'died')),
  );
  return othersExpected(rules).filter((rank) => !came.has(rank));
}
