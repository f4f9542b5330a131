// Marks the objects of a topology to which processes are bound.

import { CpuSet, type Topology, type TopologyObject } from '../../../hwloc/index.js';

/** A process, and the CPUs that it may run on. */
export interface Bound {
  /** `this process`, `pid 4711`, `rank 3`. */
  readonly name: string;
  readonly cpus: CpuSet;
}

/**
 * The text after each object: the names of the processes that are bound to it. A process that is bound to
 * several objects has a mark at each.
 */
export type Marks = ReadonlyMap<TopologyObject, readonly string[]>;

/** @param cpus  A list such as `0-3,8`. */
export function boundTo(name: string, cpus: string): Bound {
  return { name, cpus: CpuSet.parseList(cpus) };
}

/** Whether a process may run on all CPUs of the topology. */
export function isUnbound(topology: Topology, { cpus }: Bound): boolean {
  return topology.cpuset.isSubsetOf(cpus);
}

/** The marks of all bound processes: each at the biggest objects inside its binding. */
export function marksFor(topology: Topology, processes: readonly Bound[]): Marks {
  const marks = new Map<TopologyObject, string[]>();
  for (const bound of processes) {
    if (isUnbound(topology, bound)) continue;
    for (const object of biggestInside(topology.root, bound.cpus)) {
      marks.set(object, [...(marks.get(object) ?? []), bound.name]);
    }
  }
  return marks;
}

function biggestInside(object: TopologyObject, cpus: CpuSet): TopologyObject[] {
  const { cpuset } = object;
  if (cpuset?.intersects(cpus) !== true) return [];
  if (cpuset.isSubsetOf(cpus)) return [object];
  return object.children.flatMap((child) => biggestInside(child, cpus));
}

/** Shortens `rank 0, rank 1, rank 2, rank 5` to `ranks 0-2, 5`. */
export function joinNames(names: readonly string[]): string {
  const numbers = names.flatMap((name) => /^rank (\d+)$/.exec(name)?.[1] ?? []).map(Number);
  if (numbers.length < 2 || numbers.length < names.length) return names.join(', ');
  return `ranks ${CpuSet.from(numbers).toListString().replaceAll(',', ', ')}`;
}
