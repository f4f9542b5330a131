// Finds objects by type, by depth and by index, and iterates over all objects.

import { type Check, check, wholeWithin } from '../../check/index.js';
import { depthCheck, indexCheck } from '../arguments.js';
import { libhwloc } from '../ffi/library.js';
import type {
  BridgeObject,
  NumaNodeObject,
  ObjectOfType,
  PciDeviceObject,
  PuObject,
  TopologyObject,
} from '../object/kinds.js';
import { type ObjectType, isInUse, typeCheck, typeNumber } from '../object/types.js';
import { TopologyHandle, objectsOf, pointerOf } from './handle.js';

// enum hwloc_get_type_depth_e in hwloc.h.
const DEPTH_UNKNOWN = -1;
const DEPTH_MULTIPLE = -2;
/** The depths of the levels that are not in the main tree: NUMA nodes, bridges, PCI and OS devices, Misc, MemCache. */
const specialDepths = [-3, -4, -5, -6, -7, -8];

/** The address of a PCI device. */
export interface PciAddress {
  /** Default: 0. */
  readonly domain?: number;
  readonly bus: number;
  readonly device: number;
  readonly function: number;
}

/** The part of a topology that finds objects by their position. */
export class TopologyLevels extends TopologyHandle implements Iterable<TopologyObject> {
  #levels = new Map<number, readonly TopologyObject[]>();

  /** The number of levels in the main tree, from the machine (depth 0) to the PUs (depth - 1). @see hwloc_topology_get_depth() */
  get depth(): number {
    return Number(libhwloc().native('hwloc_topology_get_depth')(pointerOf(this)));
  }

  /** The machine: the object at the top. @see hwloc_get_root_obj() */
  get root(): ObjectOfType<'Machine'> {
    const [root] = this.objectsAtDepth(0);
    return root as ObjectOfType<'Machine'>;
  }

  /**
   * The depth of the level of a type: 0 to `depth - 1`, or negative for NUMA nodes, memory-side caches, I/O and Misc objects.
   * `'multiple'` if there are several (of groups only), `undefined` if there is none.
   *
   * @see hwloc_get_type_depth()
   */
  typeDepth(type: ObjectType): number | 'multiple' | undefined {
    check('type', type, typeCheck);
    if (!isInUse(type)) return undefined;
    const depth = Number(libhwloc().native('hwloc_get_type_depth')(pointerOf(this), typeNumber(type)));
    return depth === DEPTH_UNKNOWN ? undefined : depth === DEPTH_MULTIPLE ? 'multiple' : depth;
  }

  /**
   * The depth of a type. If the topology does not have the type, the depth of the next smaller one. @see
   * hwloc_get_type_or_below_depth()
   */
  typeOrBelowDepth(type: ObjectType): number | 'multiple' {
    check('type', type, typeCheck);
    let depth = this.depth - 1;
    while (depth > 0 && this.#compare(depth - 1, type) >= 0) depth--;
    return this.typeDepth(type) ?? depth;
  }

  /**
   * The depth of a type. If the topology does not have the type, the depth of the next bigger one. @see
   * hwloc_get_type_or_above_depth()
   */
  typeOrAboveDepth(type: ObjectType): number | 'multiple' {
    check('type', type, typeCheck);
    let depth = 0;
    while (depth < this.depth - 1 && this.#compare(depth + 1, type) <= 0) depth++;
    return this.typeDepth(type) ?? depth;
  }

  /** The type of the objects at a depth, `undefined` if there is no such level. @see hwloc_get_depth_type() */
  depthType(depth: number): ObjectType | undefined {
    check('depth', depth, depthCheck);
    const number = Number(libhwloc().native('hwloc_get_depth_type')(pointerOf(this), depth));
    return objectsOf(this).layout.types[number] as ObjectType | undefined;
  }

  /**
   * The depth of the normal objects to which NUMA nodes and memory-side caches are attached, or `'multiple'`.
   *
   * @see hwloc_get_memory_parents_depth()
   */
  get memoryParentsDepth(): number | 'multiple' {
    const depth = Number(libhwloc().native('hwloc_get_memory_parents_depth')(pointerOf(this)));
    return depth === DEPTH_MULTIPLE ? 'multiple' : depth;
  }

  /**
   * The number of objects of a type, at all depths (groups may be at several).
   *
   * @see hwloc_get_nbobjs_by_type(), hwloc_get_nbobjs_by_depth()
   */
  count(type: ObjectType): number {
    const at = (depth: number) =>
      Number(libhwloc().native('hwloc_get_nbobjs_by_depth')(pointerOf(this), depth));
    return this.#depthsOf(type).reduce((total, depth) => total + at(depth), 0);
  }

  /**
   * The objects of a type in logical order. Groups at several depths come from the top down.
   *
   * @see hwloc_get_next_obj_by_type()
   */
  objects<Type extends ObjectType>(type: Type): readonly ObjectOfType<Type>[] {
    const levels = this.#depthsOf(type).map((depth) => this.objectsAtDepth(depth));
    const [first] = levels;
    return (
      levels.length === 1 && first !== undefined ? first : levels.flat()
    ) as readonly ObjectOfType<Type>[];
  }

  /** The object of a type with a logical index, `undefined` if there is none. @see hwloc_get_obj_by_type() */
  object<Type extends ObjectType>(type: Type, logicalIndex: number): ObjectOfType<Type> | undefined {
    check('logicalIndex', logicalIndex, indexCheck);
    return this.objects(type)[logicalIndex];
  }

  /** The objects at a depth (also a negative one) in logical order. @see hwloc_get_next_obj_by_depth() */
  objectsAtDepth(depth: number): readonly TopologyObject[] {
    const pointer = pointerOf(this);
    check('depth', depth, depthCheck);
    const known = this.#levels.get(depth);
    if (known !== undefined) return known;
    const level: TopologyObject[] = [];
    const first = Number(libhwloc().native('hwloc_get_obj_by_depth')(pointer, depth, 0));
    let object = objectsOf(this).objectAt(first);
    for (; object !== undefined; object = object.nextCousin) level.push(object);
    this.#levels.set(depth, Object.freeze(level));
    return level;
  }

  /** The object at a depth with a logical index. @see hwloc_get_obj_by_depth() */
  objectAtDepth(depth: number, logicalIndex: number): TopologyObject | undefined {
    check('logicalIndex', logicalIndex, indexCheck);
    return this.objectsAtDepth(depth)[logicalIndex];
  }

  /** All objects of all kinds: each object before its children, in the order of `allChildren`. */
  [Symbol.iterator](): Generator<TopologyObject, void, undefined> {
    return this.root.walk();
  }

  /** The PU with an OS index. @see hwloc_get_pu_obj_by_os_index() */
  puByOsIndex(osIndex: number): PuObject | undefined {
    return this.objectByOsIndex('PU', osIndex);
  }

  /** The NUMA node with an OS index. @see hwloc_get_numanode_obj_by_os_index() */
  numaNodeByOsIndex(osIndex: number): NumaNodeObject | undefined {
    return this.objectByOsIndex('NUMANode', osIndex);
  }

  /** The first object of a type with an OS index. OS indexes are unique for PUs and NUMA nodes only. */
  objectByOsIndex<Type extends ObjectType>(type: Type, osIndex: number): ObjectOfType<Type> | undefined {
    check('osIndex', osIndex, indexCheck);
    return this.objects(type).find((object) => object.osIndex === osIndex);
  }

  /**
   * The PCI device at an address, given in parts or as a bus id: `0000:04:00.1`, or `04:00.1` in domain 0.
   *
   * @throws SyntaxError  the text is not a bus id
   * @see hwloc_get_pcidev_by_busid(), hwloc_get_pcidev_by_busidstring()
   */
  pciDevice(where: string | PciAddress): PciDeviceObject | undefined {
    const { domain = 0, bus, device, function: pciFunction } = addressFrom(where);
    return this.objects('PCIDev').find(
      ({ attributes: at }) =>
        at.domain === domain && at.bus === bus && at.device === device && at.function === pciFunction,
    );
  }

  /** The bridges above a PCI bus, from the top down. @see hwloc_bridge_covers_pcibus() */
  bridgesCovering(domain: number, bus: number): readonly BridgeObject[] {
    check('domain', domain, pciChecks.domain);
    check('bus', bus, pciChecks.bus);
    return this.objects('Bridge').filter(({ attributes: { downstream } }) => {
      const { secondaryBus, subordinateBus } = downstream;
      return downstream.domain === domain && secondaryBus <= bus && bus <= subordinateBus;
    });
  }

  /** The object with a given `gpIndex`. See {@link TopologyObject}. */
  objectByGpIndex(gpIndex: number): TopologyObject | undefined {
    check('gpIndex', gpIndex, indexCheck);
    const depths = [...Array(this.depth).keys(), ...specialDepths];
    for (const depth of depths) {
      const found = this.objectsAtDepth(depth).find((object) => object.gpIndex === gpIndex);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  override close(): void {
    this.#levels = new Map();
    super.close();
  }

  #depthsOf(type: ObjectType): readonly number[] {
    const depth = this.typeDepth(type);
    if (depth === undefined) return [];
    if (depth !== 'multiple') return [depth];
    return [...Array(this.depth).keys()].filter((level) => this.depthType(level) === type);
  }

  #compare(depth: number, type: ObjectType): number {
    const { native } = libhwloc();
    const other = Number(native('hwloc_get_depth_type')(pointerOf(this), depth));
    return Number(native('hwloc_compare_types')(other, typeNumber(type)));
  }
}

const placeCheck: Check = (value) =>
  typeof value === 'object' && value !== null ? undefined : "a bus id such as '0000:04:00.1', or its parts";
const pciChecks: Readonly<Record<keyof PciAddress, Check>> = {
  domain: wholeWithin(0, 2 ** 32 - 1),
  bus: wholeWithin(0, 255),
  device: wholeWithin(0, 31),
  function: wholeWithin(0, 7),
};

function addressFrom(where: string | PciAddress): PciAddress {
  if (typeof where === 'string') return parseBusId(where);
  check('the place', where, placeCheck);
  const { domain = 0, bus, device, function: pciFunction } = where;
  const place = { domain, bus, device, function: pciFunction };
  for (const [part, each] of Object.entries(pciChecks)) check(part, place[part as keyof PciAddress], each);
  return place;
}

function parseBusId(id: string): PciAddress {
  const match = /^(?:([0-9a-f]{1,8}):)?([0-9a-f]{1,2}):([0-9a-f]{1,2})\.([0-7])$/i.exec(id);
  if (match === null) throw new SyntaxError(`not a PCI bus id (such as 0000:04:00.1): ${JSON.stringify(id)}`);
  const [domain = 0, bus = 0, device = 0, pciFunction = 0] = match
    .slice(1)
    .map((part: string | undefined) => parseInt(part ?? '0', 16));
  return { domain, bus, device, function: pciFunction };
}
