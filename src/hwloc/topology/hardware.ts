// What hwloc knows about a machine beyond its objects: distances, memory attributes, CPU kinds, allowed sets,
// support.

import { check, text } from '../../check/index.js';
import { checkCpus } from '../arguments.js';
import type { CpuSet, NodeSet } from '../bitmap/bitmap.js';
import { type CpuKind, cpuKindOf, cpuKinds } from '../cpukinds/cpu-kinds.js';
import { type Distances, type DistancesFilter, distances } from '../distances/distances.js';
import { HwlocError } from '../../libc/index.js';
import { libhwloc } from '../ffi/library.js';
import { type MemoryAttribute, memoryAttributes } from '../memattrs/memory-attribute.js';
import type { Info } from '../object/model.js';
import { objectsOf, pointerOf } from './handle.js';
import { TopologyLocality } from './locality.js';
import { type Support, readSupport } from './support.js';

/** The part of a topology that describes the hardware beyond its objects. */
export class TopologyHardware extends TopologyLocality {
  /** All CPUs of the topology's PUs. @see hwloc_topology_get_topology_cpuset() */
  get cpuset(): CpuSet {
    return this.root.cpuset;
  }

  /** All CPUs, also those that are offline or not allowed. @see hwloc_topology_get_complete_cpuset() */
  get completeCpuset(): CpuSet {
    return this.root.completeCpuset;
  }

  /**
   * The CPUs to which the process that loaded the topology was allowed to bind. @see
   * hwloc_topology_get_allowed_cpuset()
   */
  get allowedCpuset(): CpuSet {
    const name = 'hwloc_topology_get_allowed_cpuset';
    return there(name, objectsOf(this).cpuSetAt(Number(libhwloc().native(name)(pointerOf(this)))));
  }

  /** All NUMA nodes of the topology. @see hwloc_topology_get_topology_nodeset() */
  get nodeset(): NodeSet {
    return this.root.nodeset;
  }

  /**
   * All NUMA nodes, also those that are offline or not allowed. @see hwloc_topology_get_complete_nodeset()
   */
  get completeNodeset(): NodeSet {
    return this.root.completeNodeset;
  }

  /**
   * The nodes on which the process that loaded the topology was allowed to allocate. @see
   * hwloc_topology_get_allowed_nodeset()
   */
  get allowedNodeset(): NodeSet {
    const name = 'hwloc_topology_get_allowed_nodeset';
    return there(name, objectsOf(this).nodeSetAt(Number(libhwloc().native(name)(pointerOf(this)))));
  }

  /**
   * What this libhwloc can discover, and what it can bind with this topology. @see
   * hwloc_topology_get_support()
   */
  get support(): Support {
    return readSupport(this);
  }

  /**
   * What hwloc has found out about the whole machine: `OSName`, `HostName`, `Backend`, ….
   *
   * @see hwloc_topology_get_infos() of hwloc 3; in hwloc 2 the root object has them
   */
  get infos(): readonly Info[] {
    const { native, apiVersion } = libhwloc();
    if (apiVersion >> 16 !== 3) return this.root.infos;
    const model = objectsOf(this);
    const infos = Number(native('hwloc_topology_get_infos')(pointerOf(this)));
    return model.infosAt(model.memory.uint64(infos), model.memory.uint32(infos + 8));
  }

  /** The value of the first info with a name. */
  info(name: string): string | undefined {
    check('name', name, text);
    return this.infos.find((info) => info.name === name)?.value;
  }

  /**
   * The matrices of distances: all, or those that match the filter. @throws InvalidArgumentError  the filter
   * has two ways to find them @throws NotSupportedError  by name, before hwloc 2.1 @see hwloc_distances_get()
   */
  distances(filter: DistancesFilter = {}): readonly Distances[] {
    return distances(this, filter);
  }

  /**
   * The attributes of memory: all built-in ones, even those without values, and registered ones. @throws
   * NotSupportedError  before hwloc 2.3
   */
  get memoryAttributes(): readonly MemoryAttribute[] {
    return memoryAttributes(this);
  }

  /** The attribute with a name, such as `Bandwidth`. @see hwloc_memattr_get_by_name(), which does the same */
  memoryAttribute(name: string): MemoryAttribute | undefined {
    check('name', name, text);
    return memoryAttributes(this).find((attribute) => attribute.name === name);
  }

  /**
   * The kinds of CPUs, by ascending performance; an empty list if the platform does not report them. @throws
   * NotSupportedError  before hwloc 2.4
   */
  get cpuKinds(): readonly CpuKind[] {
    return cpuKinds(this);
  }

  /** The kind to which all CPUs of a set belong, `undefined` if there is no single one. @see hwloc_cpukinds_get_by_cpuset() */
  cpuKindOf(set: CpuSet): CpuKind | undefined {
    checkCpus(set);
    return cpuKindOf(this, set);
  }
}

/** hwloc always has these sets. */
function there<Value>(name: string, value: Value | undefined): Value {
  if (value === undefined) throw new HwlocError(name, 'ENOENT', 'the topology has no such set');
  return value;
}
