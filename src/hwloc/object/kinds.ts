// Types of objects as a union discriminated by `type`: a check of the type narrows `attributes`.

import type {
  BridgeAttributes,
  CacheAttributes,
  CoreAttributes,
  GroupAttributes,
  NumaNodeAttributes,
  OsDeviceAttributes,
  PciAttributes,
} from './attributes.js';
import type { CpuSet, NodeSet } from '../bitmap/bitmap.js';
import type { ObjectView } from './object.js';
import type {
  DataCacheType,
  InstructionCacheType,
  IoType,
  MemoryType,
  NormalType,
  ObjectType,
} from './types.js';

/** Objects of the main tree, and memory objects: their sets are always there. */
interface WithSets extends ObjectView {
  readonly cpuset: CpuSet;
  readonly completeCpuset: CpuSet;
  readonly nodeset: NodeSet;
  readonly completeNodeset: NodeSet;
}

/** I/O and Misc objects. */
interface WithoutSets extends ObjectView {
  readonly cpuset: undefined;
  readonly completeCpuset: undefined;
  readonly nodeset: undefined;
  readonly completeNodeset: undefined;
}

/** An object of the main tree, of one type. */
export interface NormalOf<
  Type extends NormalType | 'Unknown',
  Attributes extends CoreAttributes | CacheAttributes | GroupAttributes | undefined = undefined,
> extends WithSets {
  readonly type: Type;
  readonly childKind: 'normal';
  readonly attributes: Attributes;
}

/** A memory object of one type. */
export interface MemoryOf<
  Type extends MemoryType | 'Unknown',
  Attributes extends NumaNodeAttributes | CacheAttributes | undefined = undefined,
> extends WithSets {
  readonly type: Type;
  readonly childKind: 'memory';
  readonly attributes: Attributes;
}

/** An I/O object of one type. */
export interface IoOf<
  Type extends IoType | 'Unknown',
  Attributes extends BridgeAttributes | PciAttributes | OsDeviceAttributes | undefined = undefined,
> extends WithoutSets {
  readonly type: Type;
  readonly childKind: 'io';
  readonly attributes: Attributes;
}

/** The root: the whole machine. */
export type MachineObject = NormalOf<'Machine'>;
/** A processor package, usually a socket. */
export type PackageObject = NormalOf<'Package'>;
export type DieObject = NormalOf<'Die'>;
/** With hwloc 2 it has no attributes. */
export type CoreObject = NormalOf<'Core', CoreAttributes | undefined>;
/** A processing unit: a hardware thread. */
export type PuObject = NormalOf<'PU'>;
/** A data or unified cache. */
export type DataCacheObject = NormalOf<DataCacheType, CacheAttributes>;
export type InstructionCacheObject = NormalOf<InstructionCacheType, CacheAttributes>;
/** Objects that belong together for another reason. */
export type GroupObject = NormalOf<'Group', GroupAttributes>;
export type NumaNodeObject = MemoryOf<'NUMANode', NumaNodeAttributes>;
/** A cache in front of a NUMA node. */
export type MemoryCacheObject = MemoryOf<'MemCache', CacheAttributes>;
export type BridgeObject = IoOf<'Bridge', BridgeAttributes>;
export type PciDeviceObject = IoOf<'PCIDev', PciAttributes>;
export type OsDeviceObject = IoOf<'OSDev', OsDeviceAttributes>;
/** An object that a user has added. */
export interface MiscObject extends WithoutSets {
  readonly type: 'Misc';
  readonly childKind: 'misc';
  readonly attributes: undefined;
}
/** An object of a type that this binding does not know, from a newer libhwloc; see `typeNumber`. */
export type UnknownObject = NormalOf<'Unknown'> | MemoryOf<'Unknown'> | IoOf<'Unknown'>;

/** An object of the main tree, from the machine down to the PUs. */
export type NormalObject =
  | MachineObject
  | PackageObject
  | DieObject
  | CoreObject
  | PuObject
  | DataCacheObject
  | InstructionCacheObject
  | GroupObject
  | NormalOf<'Unknown'>;
/** A NUMA node or a memory-side cache. */
export type MemoryObject = NumaNodeObject | MemoryCacheObject | MemoryOf<'Unknown'>;
/** A bridge, a PCI device or an OS device. */
export type IoObject = BridgeObject | PciDeviceObject | OsDeviceObject | IoOf<'Unknown'>;

/** An object of a topology. `object.type`, `object.childKind` and functions such as `isCache(object)` tell the kinds apart. */
export type TopologyObject = NormalObject | MemoryObject | IoObject | MiscObject;

/** The objects of one type. */
export type ObjectOfType<Type extends ObjectType | 'Unknown'> = Type extends
  DataCacheType | InstructionCacheType
  ? NormalOf<Type, CacheAttributes>
  : Extract<TopologyObject, { readonly type: Type }>;
