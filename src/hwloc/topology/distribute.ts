// hwloc_distrib() of hwloc/helper.h: spreads items over a topology by the weight of its branches.

import { shown, wholeWithin } from '../../check/index.js';
import type { CpuSet } from '../bitmap/bitmap.js';
import type { NormalObject, TopologyObject } from '../object/kinds.js';
import { type NormalType, isNormal } from '../object/types.js';

/** @see hwloc_distrib() */
export interface DistributeOptions {
  /** Spread below these objects only. Default: the whole machine. */
  readonly roots?: readonly TopologyObject[];
  /** The type or the depth below which nothing is split further. Default: down to the PUs. */
  readonly until?: NormalType | number;
  /** From the last objects to the first. */
  readonly reverse?: boolean;
}

/** {@link DistributeOptions}, with `until` as a depth. */
interface SpreadOptions extends DistributeOptions {
  readonly until?: number;
}

/** A higher number would need gigabytes of memory for the list alone. */
const countCheck = wholeWithin(0, 2 ** 24);

/** One set for each item. @throws RangeError  `count` is not a whole number from 0, or no root has a CPU */
export function distribute(
  roots: readonly TopologyObject[],
  count: number,
  options: SpreadOptions,
): readonly CpuSet[] {
  const allowed = countCheck(count);
  if (allowed !== undefined) throw new RangeError(`count ${shown(count)} is not allowed; use ${allowed}`);
  const sets: CpuSet[] = [];
  spread(roots, count, options, sets);
  if (sets.length < count) throw new RangeError('there are no CPUs to distribute items over');
  return sets;
}

function spread(
  roots: readonly TopologyObject[],
  count: number,
  options: SpreadOptions,
  sets: CpuSet[],
): void {
  const { until = Infinity, reverse = false } = options;
  const branches = (reverse ? [...roots].reverse() : roots).flatMap((root) => {
    const normal = normalAncestor(root);
    if (normal === undefined) return [];
    const cpuset = root.cpuset ?? normal.cpuset;
    return cpuset.isEmpty ? [] : [{ normal, cpuset, weight: cpuset.size }];
  });
  const total = branches.reduce((sum, { weight }) => sum + weight, 0);
  const share = (weight: number) => Math.floor((weight * count + total - 1) / total);

  let weightBefore = 0;
  for (const { normal, cpuset, weight } of branches) {
    // The share of all branches so far is rounded up, so the last branches may get a bit less.
    const chunk = share(weightBefore + weight) - share(weightBefore);
    weightBefore += weight;
    if (normal.arity > 0 && chunk > 1 && normal.depth < until) {
      spread(normal.children, chunk, options, sets);
    } else if (chunk > 0) {
      for (let i = 0; i < chunk; i++) sets.push(cpuset);
    } else {
      // The branch gets no item. Add its CPUs to the previous item, so that they are not idle.
      const last = sets.pop();
      if (last !== undefined) sets.push(last.union(cpuset));
    }
  }
}

/** Memory, I/O and Misc objects have no branches of CPUs: use the object to which they are attached. */
function normalAncestor(object: TopologyObject): NormalObject | undefined {
  return isNormal(object) ? object : [...object.ancestors()].find((up) => isNormal(up));
}
