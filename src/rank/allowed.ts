// The CPUs and NUMA nodes that the cgroup of this process allows. A topology holds the answer for one
// process; ranks may differ.

import { CpuSet, NodeSet } from '../hwloc/index.js';
import type { Allowed } from '../kept/index.js';
import { textIn } from '../libc/index.js';
import type { AllowedSets } from './session.js';

export type { Allowed };

/**
 * The resources that this process may use. Not its binding: a rank that a launcher binds to one core may
 * still use as much as before.
 *
 * @see hwloc_topology_get_allowed_cpuset(); cpuset(7); the kernel's cgroup-v1/cpusets.rst and cgroup-v2.rst
 */
export function ownAllowed(): Allowed {
  const group = textIn('/proc/self/cpuset');
  return {
    cpus: group === undefined ? undefined : cpusOf(group),
    // The memory nodes in `status` are the cgroup's, but the CPUs there are those of the binding.
    nodes: fieldOf(textIn('/proc/self/status') ?? '', 'Mems_allowed_list'),
  };
}

/** The same as sets. Most ranks never look at them. */
export function setsOf({ cpus, nodes }: Allowed): AllowedSets {
  return {
    cpus: cpus === undefined ? undefined : CpuSet.parseList(cpus),
    nodes: nodes === undefined ? undefined : NodeSet.parseList(nodes),
  };
}

/** Whether two ranks may use the same resources. An unknown value counts as the same. */
export function sameAllowed(a: Allowed, b: Allowed): boolean {
  const same = (x: string | undefined, y: string | undefined) =>
    x === undefined || y === undefined || x === y;
  return same(a.cpus, b.cpus) && same(a.nodes, b.nodes);
}

function cpusOf(group: string): string | undefined {
  // cgroup v2, alone or together with v1; then v1. Other mount points are not found. hwloc 2.9 does not find
  // them for v2 either.
  return (
    textIn(`/sys/fs/cgroup${group}/cpuset.cpus.effective`) ??
    textIn(`/sys/fs/cgroup/unified${group}/cpuset.cpus.effective`) ??
    textIn(`/sys/fs/cgroup/cpuset${group}/cpuset.effective_cpus`) ??
    textIn(`/sys/fs/cgroup/cpuset${group}/cpuset.cpus`)
  );
}

/** The value of a line of /proc/<pid>/status, by its name. */
function fieldOf(status: string, name: string): string | undefined {
  const at = status.indexOf(`\n${name}:`);
  if (at === -1) return undefined;
  return status
    .slice(at + name.length + 2)
    .split('\n', 1)[0]
    ?.trim();
}
