// The hwloc version that introduced each function, type and support bit of this binding. Everything not
// listed is in 2.0.
//
// Sources: NEWS of hwloc 2.15, and hwloc.h of 2.9 to 2.15. test/hwloc/versions.test.ts compares the table
// with the installed library.

import type { LibhwlocFunction } from './prototypes.js';

/**
 * `HWLOC_API_VERSION` of the first release that has the entry. 2.9 reports the number of 2.8; 2.13 and later
 * 2.x releases report the number of 2.12.
 */
type Since<Name extends string> = Readonly<Partial<Record<Name, number>>>;

export const functionsSince: Since<LibhwlocFunction> = {
  hwloc_topology_set_components: 0x20100,
  hwloc_distances_get_by_name: 0x20100,
  hwloc_distances_get_name: 0x20100,
  hwloc_bitmap_singlify_per_core: 0x20200,
  hwloc_topology_refresh: 0x20300,
  hwloc_get_local_numanode_objs: 0x20300,
  hwloc_memattr_get_name: 0x20300,
  hwloc_memattr_get_flags: 0x20300,
  hwloc_memattr_get_value: 0x20300,
  hwloc_memattr_get_best_target: 0x20300,
  hwloc_memattr_get_best_initiator: 0x20300,
  hwloc_memattr_get_targets: 0x20300,
  hwloc_memattr_get_initiators: 0x20300,
  hwloc_cpukinds_get_nr: 0x20400,
  hwloc_cpukinds_get_by_cpuset: 0x20400,
  hwloc_cpukinds_get_info: 0x20400,
  hwloc_get_obj_with_same_locality: 0x20500,
  hwloc_topology_get_infos: 0x30000,
};

/** By the names of hwloc_obj_type_string(). */
export const typesSince: Since<string> = { Die: 0x20100, MemCache: 0x20100 };

/** Fields of the support structs, by the names of this binding. */
export const supportSince: Since<string> = {
  disallowedPu: 0x20100,
  disallowedNuma: 0x20100,
  importedSupport: 0x20300,
  cpukindEfficiency: 0x20400,
  weightedInterleave: 0x20b00,
};

/** Whether a version has an entry of a table above. */
export function isIn<Name extends string>(table: Since<Name>, name: Name, apiVersion: number): boolean {
  return apiVersion >= (table[name] ?? 0x20000);
}
