// The named points of a join, for code that watches it: tests that break a join at a point, and traces.

/** The points that a member passes, in order. It may pass `planned` several times. */
export const memberPoints = [
  'member:announced',
  'member:planned',
  'member:reserved',
  'member:released',
  'member:adopted',
  'member:done',
  'member:barrier',
] as const;

/**
 * The points that a leader passes, in order. With a hole policy other than `scatter`, and for a second plan,
 * it writes after planning.
 */
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

/** The phases of a join. Each has the name of the event that ends it. */
export type Phase =
  'channel' | 'hello' | 'meet' | 'reserve' | 'wait' | 'adopt' | 'load' | 'gather' | 'plan' | 'write' | 'xml';

export type Point = (typeof memberPoints)[number] | (typeof leaderPoints)[number];

type Watch = (point: Point) => void;

/**
 * The watchers, where each copy of this package in the process finds them. Not node:diagnostics_channel,
 * which is made for this: even a rank that nobody watches would load it, which takes as long as meeting its
 * leader.
 */
const registry = globalThis as Record<symbol, Set<Watch> | undefined>;
const here = Symbol.for('hwloc-share.points');

/**
 * Calls a function at each point, before the rank continues. The function must not throw. @returns a function
 * that stops this.
 */
export function watchPoints(watch: Watch): () => void {
  const watching = (registry[here] ??= new Set()).add(watch);
  return () => {
    watching.delete(watch);
  };
}

/** Tells all watchers that this rank is at a point. */
export function reach(point: Point): void {
  const watching = registry[here];
  if (watching !== undefined) for (const watch of watching) watch(point);
}
