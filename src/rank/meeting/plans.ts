// Plans: finds the file of a plan, adopts it, and says which topology a rank asks for.

import { closeSync } from 'node:fs';
import { type Channel, type Plan, type Xml, openFile } from '../../channel/index.js';
import { channelPath, fnv1a } from '../../channel/place/index.js';
import { type Settings, shapeVariables } from '../../environment/index.js';
import { type Topology, adoptSealed } from '../../hwloc/index.js';
import type { Context } from '../context.js';
import type { LeadersXml } from '../fallback.js';
import type { AdoptedOutcome, Clock } from '../outcome.js';

/** The directory under a numbered root; 0 and undefined are the channel itself. */
function directoryOf(context: Context, channel: Channel, base: number | undefined): string {
  if (base === undefined || base === 0) return channel.path;
  const root = context.numberedRoots[base];
  if (root === undefined)
    throw new Error(`the leader's topology is under root ${base}, which this rank does not have`);
  return channelPath(root, filesKey(context.identity.key));
}

/**
 * The name of a directory for files that the channel has no room for. It differs from the name of any
 * channel.
 */
export function filesKey(key: string): string {
  return `${key}.files`;
}

/** The file of a plan. */
export function planFile(
  context: Context,
  channel: Channel,
  { base, number }: Pick<Plan, 'base' | 'number'>,
): string {
  return `${directoryOf(context, channel, base)}/topology.${number}`;
}

/** The XML that a leader offers; undefined if there is none, or if this rank asks for another topology. */
export function leadersXml(context: Context, channel: Channel, xml: Xml | undefined): LeadersXml | undefined {
  if (xml === undefined || xml.shape !== shapeOf(context.settings)) return undefined;
  return { file: `${directoryOf(context, channel, xml.base)}/topology.xml`, thisSystem: xml.thisSystem };
}

/**
 * Maps the topology of a plan. Each rank opens the file itself: adopting moves the position of the
 * descriptor.
 *
 * @throws HwlocError           `EBUSY`: the range is occupied in this process.
 * @throws ChannelRefusedError  the file is not one that a leader of this user writes.
 */
export function adoptPlan(file: string, { offset, at, bytes }: Plan): Topology {
  const fd = openFile(file);
  try {
    return adoptSealed({ fd, offset, address: at, length: bytes });
  } finally {
    closeSync(fd);
  }
}

/** The outcome of a rank that adopted. @param kept  As in the outcome. */
export function adoptedOutcome(
  plan: Plan,
  clock: Clock,
  didDiscover: boolean,
  kept?: number,
): AdoptedOutcome {
  return {
    how: 'adopted',
    reason: undefined,
    address: plan.at,
    length: plan.bytes,
    generation: plan.number,
    didDiscover,
    kept,
    phases: clock.phases,
  };
}

/**
 * The topology that a rank asks for, as the protocol's `shape`: six hex digits; undefined for this machine as
 * hwloc finds it. Ranks with different shapes cannot share. (Six digits are enough for the few shapes in a
 * job.)
 */
export function shapeOf({ source }: Pick<Settings, 'source'>): string | undefined {
  if (source === '') return undefined;
  const hash = fnv1a(source);
  return ((hash ^ (hash >>> 24)) & 0xffffff).toString(16).padStart(6, '0');
}

/** Why a rank that asks for another topology does not adopt the leader's. */
export const otherShape = `it asks for another topology than the leader does (${shapeVariables.slice(0, -1).join(', ')} or ${shapeVariables.at(-1) ?? ''})`;
