// What the cgroup of this process allows it to use. A topology holds one process's answer; ranks may differ.

import type { Allowed } from '../kept/index.js';
import { textIn } from '../libc/index.js';

export type { Allowed };

/**
 * What this process is allowed. Not what it is bound to: a launcher that binds a rank to a core allows it no less.
 *
 * @see hwloc_topology_get_allowed_cpuset(); cpuset(7); the kernel's cgroup-v1/cpusets.rst and cgroup-v2.rst
 */
export function ownAllowed(): Allowed {
  const group = textIn('/proc/self/cpuset');
  return {
    cpus: group === undefined ? undefined : cpusOf(group),
    // The memory nodes in status are the cgroup's; the CPUs there are those of the binding.
    nodes: fieldOf(textIn('/proc/self/status') ?? '', 'Mems_allowed_list'),
  };
}

/** Whether two ranks are allowed the same. One that does not know is taken to be like the other. */
export function sameAllowed(a: Allowed, b: Allowed): boolean {
  const same = (x: string | undefined, y: string | undefined) =>
    x === undefined || y === undefined || x === y;
  return same(a.cpus, b.cpus) && same(a.nodes, b.nodes);
}

function cpusOf(group: string): string | undefined {
  // cgroup v2, alone or beside v1; then v1. Where it is mounted elsewhere, we do not know, and nor does hwloc 2.9 for v2.
  return (
    textIn(`/sys/fs/cgroup${group}/cpuset.cpus.effective`) ??
    textIn(`/sys/fs/cgroup/unified${group}/cpuset.cpus.effective`) ??
    textIn(`/sys/fs/cgroup/cpuset${group}/cpuset.effective_cpus`) ??
    textIn(`/sys/fs/cgroup/cpuset${group}/cpuset.cpus`)
  );
}

/** A line of /proc/<pid>/status, without its name. */
function fieldOf(status: string, name: string): string | undefined {
  const at = status.indexOf(`\n${name}:`);
  if (at === -1) return undefined;
  return status
    .slice(at + name.length + 2)
    .split('\n', 1)[0]
    ?.trim();
}
