// What hwloc can discover and bind on this machine, with this topology (struct hwloc_topology_support).

import { libhwloc } from '../ffi/library.js';
import { isIn, supportSince } from '../ffi/since.js';
import { type TopologyHandle, objectsOf, pointerOf } from './handle.js';

/** What hwloc can discover. @see struct hwloc_topology_discovery_support */
export interface DiscoverySupport {
  readonly pu: boolean;
  readonly numa: boolean;
  readonly numaMemory: boolean;
  readonly disallowedPu: boolean;
  readonly disallowedNuma: boolean;
  readonly cpukindEfficiency: boolean;
}

/** Which CPU binding works. @see struct hwloc_topology_cpubind_support */
export interface CpuBindingSupport {
  readonly setThisProcess: boolean;
  readonly getThisProcess: boolean;
  readonly setProcess: boolean;
  readonly getProcess: boolean;
  readonly setThisThread: boolean;
  readonly getThisThread: boolean;
  readonly setThread: boolean;
  readonly getThread: boolean;
  readonly getThisProcessLastLocation: boolean;
  readonly getProcessLastLocation: boolean;
  readonly getThisThreadLastLocation: boolean;
}

/** Which memory binding works, and which policies. @see struct hwloc_topology_membind_support */
export interface MemoryBindingSupport {
  readonly setThisProcess: boolean;
  readonly getThisProcess: boolean;
  readonly setProcess: boolean;
  readonly getProcess: boolean;
  readonly setThisThread: boolean;
  readonly getThisThread: boolean;
  readonly setArea: boolean;
  readonly getArea: boolean;
  readonly allocate: boolean;
  readonly firstTouch: boolean;
  readonly bind: boolean;
  readonly interleave: boolean;
  readonly weightedInterleave: boolean;
  readonly nextTouch: boolean;
  readonly migrate: boolean;
  readonly getAreaLocation: boolean;
}

/** @see struct hwloc_topology_misc_support */
export interface MiscSupport {
  /** The bits are from the machine where the topology was exported. */
  readonly importedSupport: boolean;
}

/** @see struct hwloc_topology_support */
export interface Support {
  readonly discovery: DiscoverySupport;
  readonly cpubind: CpuBindingSupport;
  readonly membind: MemoryBindingSupport;
  readonly misc: MiscSupport;
}

/** @see hwloc_topology_get_support() */
export function readSupport(topology: TopologyHandle): Support {
  const { memory, layout } = objectsOf(topology);
  const { apiVersion, native } = libhwloc();
  const structs = Number(native('hwloc_topology_get_support')(pointerOf(topology)));
  const read = (position: number, names: readonly string[]) => {
    // Older releases have fewer fields, and 2.0 to 2.2 fewer structs. A missing field means: not supported.
    const known = names.filter((name) => isIn(supportSince, name, apiVersion));
    const address = known.length === 0 ? 0 : memory.uint64(structs + 8 * position);
    const bit = (name: string) => known.includes(name) && memory.uint8(address + known.indexOf(name)) === 1;
    return Object.freeze(Object.fromEntries(names.map((name) => [name, bit(name)])));
  };
  return Object.freeze({
    discovery: read(0, layout.support.discovery),
    cpubind: read(1, layout.support.cpubind),
    membind: read(2, layout.support.membind),
    misc: read(3, layout.support.misc),
  }) as object as Support;
}
