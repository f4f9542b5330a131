// CpuSet and NodeSet: two types that cannot be mixed up.

import { Bitmap } from './bitmap.js';

/** A set of CPUs, by the OS indexes of PUs. @see hwloc_cpuset_t */
export class CpuSet extends Bitmap {
  override readonly kind = 'cpuset';
}

/** A set of NUMA nodes, by their OS indexes. @see hwloc_nodeset_t */
export class NodeSet extends Bitmap {
  override readonly kind = 'nodeset';
}
