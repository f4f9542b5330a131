// hwloc's object types by name, their kinds, and the names of PCI classes.

import { type Check, check, listed, nearest, wholeWithin } from '../../check/index.js';
import { NotSupportedError } from '../errors.js';
import { libhwloc, versionText } from '../ffi/library.js';
import { layout2 } from '../ffi/layout-2.js';
import { layout3 } from '../ffi/layout-3.js';
import { isIn, typesSince } from '../ffi/since.js';
import type {
  DataCacheObject,
  InstructionCacheObject,
  IoObject,
  MemoryObject,
  NormalObject,
  TopologyObject,
} from './kinds.js';

/** The types of objects, under hwloc's own names (hwloc_obj_type_t, as hwloc_obj_type_string() spells them). */
export const objectTypes = [
  'Machine',
  'Package',
  'Core',
  'PU',
  'L1Cache',
  'L2Cache',
  'L3Cache',
  'L4Cache',
  'L5Cache',
  'L1iCache',
  'L2iCache',
  'L3iCache',
  'Group',
  'NUMANode',
  'Bridge',
  'PCIDev',
  'OSDev',
  'Misc',
  'MemCache',
  'Die',
] as const;

/** A type of object that hwloc 2 and 3 know. */
export type ObjectType = (typeof objectTypes)[number];

/** Caches of data, or of data and instructions. */
export type DataCacheType = 'L1Cache' | 'L2Cache' | 'L3Cache' | 'L4Cache' | 'L5Cache';
/** Caches of instructions. */
export type InstructionCacheType = 'L1iCache' | 'L2iCache' | 'L3iCache';

/** Whether a text is the name of an object type, in hwloc's own spelling. */
export function isObjectType(text: string): text is ObjectType {
  return (objectTypes as readonly string[]).includes(text);
}

/** A type of object, in hwloc's own spelling. */
export const typeCheck: Check = (value) => {
  if (typeof value !== 'string') return listed(objectTypes);
  return isObjectType(value) ? undefined : listed(objectTypes, typeMeant(value));
};

/**
 * The type for a name that hwloc itself understands, such as `Socket`, `numa` or `l2`; otherwise the most
 * similar type.
 */
function typeMeant(name: string): string | undefined {
  const number = [0];
  const understood = Number(libhwloc().native('hwloc_type_sscanf')(name, number, null, 0)) === 0;
  return (understood ? typesInUse()[number[0] ?? -1] : undefined) ?? nearest(name, objectTypes);
}

/** Whether the libhwloc in use has a type: 2.0 has no `Die` and no `MemCache`. */
export function isInUse(type: ObjectType): boolean {
  return isIn(typesSince, type, libhwloc().apiVersion);
}

/**
 * The number of a type in the `hwloc_obj_type_t` of the libhwloc in use.
 *
 * @throws InvalidArgumentError
 * @throws NotSupportedError  not in this version
 */
export function typeNumber(type: ObjectType): number {
  check('type', type, typeCheck);
  const { apiVersion } = libhwloc();
  if (!isInUse(type)) {
    throw new NotSupportedError(type, `libhwloc ${versionText(apiVersion)} does not have this type`);
  }
  return typesInUse().indexOf(type);
}

function typesInUse(): readonly string[] {
  return (libhwloc().apiVersion >> 16 === 3 ? layout3() : layout2()).types;
}

/** Which of the four lists of children the objects of a type are in. */
export type ChildKind = 'normal' | 'memory' | 'io' | 'misc';

/** The types of NUMA nodes and of the caches in front of them. */
export type MemoryType = 'NUMANode' | 'MemCache';
/** The types of devices. */
export type IoType = 'Bridge' | 'PCIDev' | 'OSDev';
/** The types of the main tree. */
export type NormalType = Exclude<ObjectType, MemoryType | IoType | 'Misc'>;

/** @see hwloc_obj_type_is_normal(), hwloc_obj_type_is_memory(), hwloc_obj_type_is_io() */
export function childKindOf(type: ObjectType): ChildKind {
  if (type === 'NUMANode' || type === 'MemCache') return 'memory';
  if (type === 'Bridge' || type === 'PCIDev' || type === 'OSDev') return 'io';
  return type === 'Misc' ? 'misc' : 'normal';
}

/** Whether an object, or objects of a type, are in the main tree, with CPUs below. @see hwloc_obj_type_is_normal() */
export function isNormal(type: ObjectType | 'Unknown'): type is NormalType;
export function isNormal(object: TopologyObject): object is NormalObject;
export function isNormal(given: ObjectType | 'Unknown' | TopologyObject): boolean {
  return kindOf(given) === 'normal';
}

/** Whether it is a NUMA node or a memory-side cache. @see hwloc_obj_type_is_memory() */
export function isMemory(type: ObjectType | 'Unknown'): type is MemoryType;
export function isMemory(object: TopologyObject): object is MemoryObject;
export function isMemory(given: ObjectType | 'Unknown' | TopologyObject): boolean {
  return kindOf(given) === 'memory';
}

/** Whether it is a bridge, a PCI device or an OS device. @see hwloc_obj_type_is_io() */
export function isIo(type: ObjectType | 'Unknown'): type is IoType;
export function isIo(object: TopologyObject): object is IoObject;
export function isIo(given: ObjectType | 'Unknown' | TopologyObject): boolean {
  return kindOf(given) === 'io';
}

/**
 * Whether it is a CPU cache of any kind (a memory-side cache is not). Pass the object if you want its type narrowed: TypeScript does not
 * narrow `object` by `isCache(object.type)`.
 *
 * @see hwloc_obj_type_is_cache()
 */
export function isCache(type: ObjectType | 'Unknown'): type is DataCacheType | InstructionCacheType;
export function isCache(object: TopologyObject): object is DataCacheObject | InstructionCacheObject;
export function isCache(given: ObjectType | 'Unknown' | TopologyObject): boolean {
  return /^L\di?Cache$/.test(typeOf(given));
}

/** Whether it is a data or unified cache. @see hwloc_obj_type_is_dcache() */
export function isDataCache(type: ObjectType | 'Unknown'): type is DataCacheType;
export function isDataCache(object: TopologyObject): object is DataCacheObject;
export function isDataCache(given: ObjectType | 'Unknown' | TopologyObject): boolean {
  return /^L\dCache$/.test(typeOf(given));
}

/** Whether it is an instruction cache. @see hwloc_obj_type_is_icache() */
export function isInstructionCache(type: ObjectType | 'Unknown'): type is InstructionCacheType;
export function isInstructionCache(object: TopologyObject): object is InstructionCacheObject;
export function isInstructionCache(given: ObjectType | 'Unknown' | TopologyObject): boolean {
  return /^L\diCache$/.test(typeOf(given));
}

function typeOf(given: ObjectType | 'Unknown' | TopologyObject): ObjectType | 'Unknown' {
  return typeof given === 'string' ? given : given.type;
}

function kindOf(given: ObjectType | 'Unknown' | TopologyObject): ChildKind | undefined {
  if (typeof given !== 'string') return given.childKind;
  return given === 'Unknown' ? undefined : childKindOf(given);
}

/**
 * lstopo's name for a class of PCI devices: `Ethernet` for 0x0200.
 *
 * @param classId  Class and subclass, as in {@link PciAttributes}.
 * @returns `Other` for a class that libhwloc does not know.
 * @throws NotSupportedError  this libhwloc does not have the function, which no public header declares
 * @see hwloc_pci_class_string()
 */
export function pciClassName(classId: number): string {
  check('classId', classId, wholeWithin(0, 0xffff));
  return String(libhwloc().native('hwloc_pci_class_string')(classId));
}
