// The named points of a join, for those who watch one: tests that break it there, and traces.

import { channel } from 'node:diagnostics_channel';

/** The points that a member passes, in order; it may come to `planned` several times. */
export const memberPoints = [
  'member:channel',
  'member:pipes',
  'member:announced',
  'member:met',
  'member:planned',
  'member:reserved',
  'member:released',
  'member:adopted',
  'member:done',
  'member:barrier',
] as const;

/** The points that a leader passes, in order; it may come to `planning` … `written` several times. */
export const leaderPoints = [
  'leader:channel',
  'leader:claimed',
  'leader:loaded',
  'leader:gathered',
  'leader:planned',
  'leader:writing',
  'leader:written',
  'leader:agreed',
  'leader:released',
  'leader:adopted',
  'leader:settled',
  'leader:barrier',
] as const;

export type Point = (typeof memberPoints)[number] | (typeof leaderPoints)[number];

/** The diagnostics channel on which they are told. */
export const pointChannel = 'hwloc-share.point';

const points = channel(pointChannel);

/**
 * Tells whoever watches that this rank is at a point: `diagnostics_channel.subscribe('hwloc-share.point', …)`. Watchers are called
 * before this returns. Without any, it costs nothing.
 */
export function reach(point: Point): void {
  if (points.hasSubscribers) points.publish(point);
}
