// The objects as a union discriminated by `type`: what TypeScript knows of `attributes` once it knows the type.

import type {
  BridgeAttributes,
  CacheAttributes,
  CoreAttributes,
  GroupAttributes,
  NumaNodeAttributes,
  ObjectAttributes,
  OsDeviceAttributes,
  PciAttributes,
} from './attributes.js';
import type { ObjectView } from './object.js';
import type { DataCacheType, InstructionCacheType, ObjectType } from './types.js';

/** An object of one type. */
export interface ObjectOf<
  Type extends ObjectType | 'Unknown',
  Attributes extends ObjectAttributes | undefined,
> extends ObjectView {
  readonly type: Type;
  readonly attributes: Attributes;
}

/** The root: the whole machine. */
export type MachineObject = ObjectOf<'Machine', undefined>;
/** What is put into a socket. */
export type PackageObject = ObjectOf<'Package', undefined>;
export type DieObject = ObjectOf<'Die', undefined>;
/** With hwloc 2 it has no attributes. */
export type CoreObject = ObjectOf<'Core', CoreAttributes | undefined>;
/** A processing unit: a hardware thread. */
export type PuObject = ObjectOf<'PU', undefined>;
/** A data or unified cache. */
export type DataCacheObject = ObjectOf<DataCacheType, CacheAttributes>;
export type InstructionCacheObject = ObjectOf<InstructionCacheType, CacheAttributes>;
/** Objects that belong together for some other reason. */
export type GroupObject = ObjectOf<'Group', GroupAttributes>;
export type NumaNodeObject = ObjectOf<'NUMANode', NumaNodeAttributes>;
/** A cache in front of a NUMA node. */
export type MemoryCacheObject = ObjectOf<'MemCache', CacheAttributes>;
export type BridgeObject = ObjectOf<'Bridge', BridgeAttributes>;
export type PciDeviceObject = ObjectOf<'PCIDev', PciAttributes>;
export type OsDeviceObject = ObjectOf<'OSDev', OsDeviceAttributes>;
export type MiscObject = ObjectOf<'Misc', undefined>;
/** Of a type that this binding does not know, from a libhwloc newer than it; see `typeNumber`. */
export type UnknownObject = ObjectOf<'Unknown', undefined>;

/** An object of a topology. `switch (object.type)` tells the kinds apart. */
export type TopologyObject =
  | MachineObject
  | PackageObject
  | DieObject
  | CoreObject
  | PuObject
  | DataCacheObject
  | InstructionCacheObject
  | GroupObject
  | NumaNodeObject
  | MemoryCacheObject
  | BridgeObject
  | PciDeviceObject
  | OsDeviceObject
  | MiscObject
  | UnknownObject;

/** The objects of one type. */
export type ObjectOfType<Type extends ObjectType | 'Unknown'> = Type extends
  DataCacheType | InstructionCacheType
  ? ObjectOf<Type, CacheAttributes>
  : Extract<TopologyObject, { readonly type: Type }>;
