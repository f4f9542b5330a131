// The named points of a join, for those who watch one: tests that break it there, and traces.

/** The points that a member passes, in order; it may come to `planned` several times. */
export const memberPoints = [
  'member:announced',
  'member:planned',
  'member:reserved',
  'member:released',
  'member:adopted',
  'member:done',
  'member:barrier',
] as const;

/** The points that a leader passes, in order. With a hole policy other than `scatter`, and for a second plan, it writes when it has planned. */
export const leaderPoints = [
  'leader:claimed',
  'leader:loaded',
  'leader:writing',
  'leader:written',
  'leader:gathered',
  'leader:planned',
  'leader:agreed',
  'leader:released',
  'leader:adopted',
  'leader:barrier',
] as const;

/** The phases of a join: each is named by what ends it. */
export type Phase =
  'channel' | 'hello' | 'meet' | 'reserve' | 'wait' | 'adopt' | 'load' | 'gather' | 'plan' | 'write' | 'xml';

export type Point = (typeof memberPoints)[number] | (typeof leaderPoints)[number];

type Watch = (point: Point) => void;

/**
 * Those who watch, where each copy of this package in the process finds them. Not node:diagnostics_channel, which is made for this: a rank
 * that nobody watches would still load it, which takes it as long as meeting its leader.
 */
const registry = globalThis as Record<symbol, Set<Watch> | undefined>;
const here = Symbol.for('hwloc-share.points');

/** Has a function called at each point, before the rank goes on. It must not throw. @returns what ends that. */
export function watchPoints(watch: Watch): () => void {
  const watching = (registry[here] ??= new Set()).add(watch);
  return () => {
    watching.delete(watch);
  };
}

/** Tells whoever watches that this rank is at a point. */
export function reach(point: Point): void {
  const watching = registry[here];
  if (watching !== undefined) for (const watch of watching) watch(point);
}
