// Finds objects by their CPUs and by what is near them, and spreads work over a topology.

import {
  type Check,
  InvalidArgumentError,
  check,
  checkOptions,
  flag,
  oneOf,
  text,
  wholeWithin,
} from '../../check/index.js';
import { checkCpus, checkNodes, indexCheck, limitCheck } from '../arguments.js';
import { CpuSet, NodeSet } from '../bitmap/bitmap.js';
import { bitsOfBitmap, withBitmap } from '../ffi/bitmaps.js';
import { invoke } from '../../libc/index.js';
import { libhwloc } from '../ffi/library.js';
import { withLocation } from '../ffi/location.js';
import type {
  DataCacheObject,
  NormalObject,
  NumaNodeObject,
  ObjectOfType,
  TopologyObject,
} from '../object/kinds.js';
import {
  type NormalType,
  type ObjectType,
  isDataCache,
  isNormal,
  objectTypes,
  typeNumber,
} from '../object/types.js';
import { type DistributeOptions, distribute } from './distribute.js';
import { addressIn, objectsOf, pointerOf } from './handle.js';
import { TopologyLevels } from './levels.js';

// enum hwloc_local_numanode_flag_e in hwloc/memattrs.h.
const LARGER_LOCALITY = 1 << 0;
const SMALLER_LOCALITY = 1 << 1;
const ALL = 1 << 2;

/**
 * Which NUMA nodes count as local, in addition to nodes with exactly the given CPUs. @see enum
 * hwloc_local_numanode_flag_e
 */
export interface LocalNumaNodesOptions {
  /** Also nodes that are local to more CPUs. */
  readonly larger?: boolean;
  /** Also nodes that are local to fewer CPUs. */
  readonly smaller?: boolean;
  /** All nodes of the topology. */
  readonly all?: boolean;
}

/** Conditions for an object with the same locality, in addition to its type. */
export interface SameLocalityOptions {
  /** The whole subtype. */
  readonly subtype?: string;
  /** The beginning of the name. */
  readonly namePrefix?: string;
}

/** The part of a topology that finds objects by what is near them. */
export class TopologyLocality extends TopologyLevels {
  /**
   * The first of the largest objects whose CPUs are all in a set. @see
   * hwloc_get_first_largest_obj_inside_cpuset()
   */
  firstLargestInside(set: CpuSet): NormalObject | undefined {
    checkCpus(set);
    let object: NormalObject = this.root;
    if (!object.cpuset.intersects(set)) return undefined;
    while (!object.cpuset.isSubsetOf(set)) {
      const child: NormalObject | undefined = object.children.find(({ cpuset }) => cpuset.intersects(set));
      if (child === undefined) break;
      object = child;
    }
    return object;
  }

  /**
   * The largest objects that together have exactly the CPUs of a set.
   *
   * @throws HwlocError  `EINVAL`: the set has CPUs that the topology does not have
   * @see hwloc_get_largest_objs_inside_cpuset()
   */
  largestInside(set: CpuSet): readonly NormalObject[] {
    checkCpus(set);
    const name = 'hwloc_get_largest_objs_inside_cpuset';
    // Each object has at least one CPU of its own.
    const room = new BigUint64Array(this.count('PU'));
    const found = withBitmap(set, (bitmap) =>
      invoke(name, () => libhwloc().native(name)(pointerOf(this), bitmap, room, room.length), {
        EINVAL: `${set.toListString()} is not inside the CPUs of the topology`,
      }),
    );
    return objectsOf(this).objectsAt(room.subarray(0, found)) as NormalObject[];
  }

  /**
   * The objects of a type, or at a depth, whose CPUs are all in a set, in logical order. Objects without CPUs
   * are left out.
   *
   * @see hwloc_get_next_obj_inside_cpuset_by_type(), hwloc_get_next_obj_inside_cpuset_by_depth()
   */
  objectsInside<Type extends ObjectType>(set: CpuSet, type: Type): readonly ObjectOfType<Type>[];
  objectsInside(set: CpuSet, depth: number): readonly TopologyObject[];
  objectsInside(set: CpuSet, where: ObjectType | number): readonly TopologyObject[] {
    checkCpus(set);
    return this.#at(where).filter((object) => inside(object, set));
  }

  /**
   * How many objects of its level are inside a set before this one; `undefined` if this object is not inside.
   * @see hwloc_get_obj_index_inside_cpuset()
   */
  indexInside(set: CpuSet, object: TopologyObject): number | undefined {
    checkCpus(set);
    addressIn(this, object);
    if (!has(object, (cpuset) => cpuset.isSubsetOf(set))) return undefined;
    return this.objectsAtDepth(object.depth)
      .slice(0, object.logicalIndex)
      .filter((each) => inside(each, set)).length;
  }

  /** The lowest object that has all CPUs of a set. @see hwloc_get_obj_covering_cpuset() */
  objectCovering(set: CpuSet): NormalObject | undefined {
    checkCpus(set);
    let object: NormalObject = this.root;
    if (set.isEmpty || !set.isSubsetOf(object.cpuset)) return undefined;
    for (let child = object.childCovering(set); child !== undefined; child = object.childCovering(set)) {
      object = child;
    }
    return object;
  }

  /**
   * The objects of a type, or at a depth, that have at least one CPU of a set.
   *
   * @see hwloc_get_next_obj_covering_cpuset_by_type(), hwloc_get_next_obj_covering_cpuset_by_depth()
   */
  objectsCovering<Type extends ObjectType>(set: CpuSet, type: Type): readonly ObjectOfType<Type>[];
  objectsCovering(set: CpuSet, depth: number): readonly TopologyObject[];
  objectsCovering(set: CpuSet, where: ObjectType | number): readonly TopologyObject[] {
    checkCpus(set);
    return this.#at(where).filter((object) => has(object, (cpuset) => cpuset.intersects(set)));
  }

  /** The lowest data or unified cache that has all CPUs of a set. @see hwloc_get_cache_covering_cpuset() */
  cacheCovering(set: CpuSet): DataCacheObject | undefined {
    const lowest = this.objectCovering(set);
    if (lowest === undefined) return undefined;
    return [lowest, ...lowest.ancestors()].find((up) => isDataCache(up));
  }

  /**
   * Follows a path of types and indexes from the root down: the i-th core in the j-th package. @see
   * hwloc_get_obj_below_array_by_type()
   */
  objectBelow(...path: readonly (readonly [ObjectType, number])[]): TopologyObject | undefined {
    let object: TopologyObject | undefined = this.root;
    for (const step of path) {
      check('the step', step, stepCheck);
      const [type, index] = step;
      const cpuset: CpuSet | undefined = object.cpuset;
      object = cpuset === undefined ? undefined : this.objectsInside(cpuset, type)[index];
      if (object === undefined) return undefined;
    }
    return object;
  }

  /**
   * The other objects of its level, the closest first. An empty list for NUMA nodes, I/O and Misc objects,
   * which are not in the main tree.
   *
   * @param max  How many at most. Default: all.
   * @throws ForeignObjectError
   * @see hwloc_get_closest_objs()
   */
  closest(object: TopologyObject, max = Infinity): readonly NormalObject[] {
    const address = addressIn(this, object);
    check('max', max, limitCheck);
    if (object.depth < 0) return [];
    const room = new BigUint64Array(Math.min(max, this.objectsAtDepth(object.depth).length));
    const { native } = libhwloc();
    const found = Number(native('hwloc_get_closest_objs')(pointerOf(this), address, room, room.length));
    return objectsOf(this).objectsAt(room.subarray(0, found)) as NormalObject[];
  }

  /**
   * The object of another type with exactly the same CPUs and nodes. For an I/O object: below the same PCI
   * device.
   *
   * @throws ForeignObjectError
   * @see hwloc_get_obj_with_same_locality()
   */
  sameLocality<Type extends ObjectType>(
    object: TopologyObject,
    type: Type,
    options: SameLocalityOptions = {},
  ): ObjectOfType<Type> | undefined {
    checkOptions('topology.sameLocality', options, { subtype: text, namePrefix: text });
    const { subtype, namePrefix } = options;
    const address = addressIn(this, object);
    const native = libhwloc().native('hwloc_get_obj_with_same_locality');
    const found = native(pointerOf(this), address, typeNumber(type), subtype ?? null, namePrefix ?? null, 0);
    return objectsOf(this).objectAt(Number(found)) as ObjectOfType<Type> | undefined;
  }

  /**
   * The NUMA nodes that are local to a set of CPUs or to an object: by default the nodes with exactly the
   * same CPUs.
   *
   * @throws NotSupportedError  before hwloc 2.3
   * @see hwloc_get_local_numanode_objs()
   */
  localNumaNodes(
    where: CpuSet | TopologyObject,
    options: LocalNumaNodesOptions = {},
  ): readonly NumaNodeObject[] {
    checkOptions('topology.localNumaNodes', options, { larger: flag, smaller: flag, all: flag });
    const name = 'hwloc_get_local_numanode_objs';
    const flags =
      (options.larger === true ? LARGER_LOCALITY : 0) |
      (options.smaller === true ? SMALLER_LOCALITY : 0) |
      (options.all === true ? ALL : 0);
    const room = new BigUint64Array(this.count('NUMANode'));
    const count = [room.length];
    withLocation(where instanceof CpuSet ? where : addressIn(this, where), (location) =>
      invoke(name, () => libhwloc().native(name)(pointerOf(this), location, count, room, flags)),
    );
    return objectsOf(this).objectsAt(room.subarray(0, count[0])) as NumaNodeObject[];
  }

  /**
   * Spreads `count` items over the topology. Each item gets a set of CPUs, as far apart as possible, in
   * logical order.
   *
   * @throws ForeignObjectError, RangeError
   * @throws InvalidArgumentError  `until` is a type whose objects are at several depths, as groups can be
   * @see hwloc_distrib()
   */
  distribute(count: number, options: DistributeOptions = {}): readonly CpuSet[] {
    checkOptions('topology.distribute', options, distributeChecks);
    const { roots = [this.root] } = options;
    for (const root of roots) addressIn(this, root);
    return distribute(roots, count, { ...options, until: this.#depthOf(options.until) });
  }

  /** The nodes that are close to some CPUs. @see hwloc_cpuset_to_nodeset() */
  nodesOf(cpus: CpuSet): NodeSet {
    return NodeSet.from(this.objectsCovering(cpus, 'NUMANode').map(({ osIndex = 0 }) => osIndex));
  }

  /** The CPUs that are close to some nodes. @see hwloc_cpuset_from_nodeset() */
  cpusOf(nodes: NodeSet): CpuSet {
    checkNodes(nodes);
    return this.objects('NUMANode')
      .filter(({ osIndex }) => osIndex !== undefined && nodes.has(osIndex))
      .reduce((set, { cpuset }) => set.union(cpuset), CpuSet.empty());
  }

  /**
   * One CPU of each core: leaves out simultaneous multithreading.
   *
   * @param which  Which PU of each core, from 0. A core with fewer PUs gets none.
   * @see hwloc_bitmap_singlify_per_core()
   */
  singlifyPerCore(set: CpuSet, which = 0): CpuSet {
    checkCpus(set);
    check('which', which, whichCheck);
    const name = 'hwloc_bitmap_singlify_per_core';
    return withBitmap(set, (bitmap) => {
      invoke(name, () => libhwloc().native(name)(pointerOf(this), bitmap, which));
      return new CpuSet(bitsOfBitmap(bitmap));
    });
  }

  /** The depth of `until`. If the machine has no objects of the type, the depth of the next smaller one. */
  #depthOf(until: NormalType | number = Infinity): number {
    const depth = typeof until === 'number' ? until : this.typeOrBelowDepth(until);
    if (depth !== 'multiple') return depth;
    throw new InvalidArgumentError(
      `topology.distribute({ until: '${until}' }): ${until} objects are at several depths; give one of the depths`,
    );
  }

  #at(where: ObjectType | number): readonly TopologyObject[] {
    return typeof where === 'number' ? this.objectsAtDepth(where) : this.objects(where);
  }
}

const whichCheck = wholeWithin(0, 2 ** 31 - 1);
/** A step of `objectBelow()`. */
const stepCheck: Check = (value) =>
  Array.isArray(value) && indexCheck(value[1]) === undefined
    ? undefined
    : "a type and an index, as in ['Core', 0]";
/** A type of the main tree, or a depth. */
const untilCheck: Check = (value) => {
  if (typeof value !== 'string') return limitCheck(value);
  return oneOf(objectTypes.filter((type) => isNormal(type)))(value);
};
const distributeChecks = {
  roots: (value: unknown) => (Array.isArray(value) ? undefined : 'an array of objects'),
  until: untilCheck,
  reverse: flag,
};

function has({ cpuset }: TopologyObject, test: (cpuset: CpuSet) => boolean): boolean {
  return cpuset !== undefined && test(cpuset);
}

function inside(object: TopologyObject, set: CpuSet): boolean {
  return has(object, (cpuset) => !cpuset.isEmpty && cpuset.isSubsetOf(set));
}
