// Which topology a rank asks for. Ranks that ask for different ones cannot share.

import { fnv1a } from '../channel/place/index.js';
import { type Settings, shapeVariables } from '../environment/index.js';

/**
 * What stands for it in the protocol: six hex digits, enough to tell the few that a job may ask for apart; undefined for this machine as
 * hwloc finds it.
 */
export function shapeOf({ source }: Pick<Settings, 'source'>): string | undefined {
  if (source === '') return undefined;
  const hash = fnv1a(source);
  return ((hash ^ (hash >>> 24)) & 0xffffff).toString(16).padStart(6, '0');
}

/** Why a rank that asks for another topology does not adopt the leader's. */
export const otherShape = `it asks for another topology than the leader does (${shapeVariables.slice(0, -1).join(', ')} or ${shapeVariables.at(-1) ?? ''})`;
