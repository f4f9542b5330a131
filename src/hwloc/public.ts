// The public part of src/hwloc, `hwloc-share/hwloc`: topologies, their objects, sets and errors.

/** @module hwloc */

export { InvalidArgumentError } from '../check/index.js';
export { HwlocShareError } from '../errors/index.js';
export { HwlocError, KoffiNotLoadedError } from '../libc/index.js';
export type { BindingOptions, SetCpuBindingOptions, SetMemoryBindingOptions } from './binding/flags.js';
export { CpuSet, NodeSet } from './bitmap/bitmap.js';
export type { CpuKind } from './cpukinds/cpu-kinds.js';
export type { Distances, DistancesFilter, DistancesKind } from './distances/distances.js';
export {
  ForeignObjectError,
  LibhwlocNotFoundError,
  LibhwlocUnsupportedError,
  NotSupportedError,
  TopologyClosedError,
} from './errors.js';
export type {
  CpuKindJson,
  DistancesJson,
  MemoryAttributeJson,
  ObjectJson,
  TopologyJson,
} from './export/json.js';
export type { ExportSyntheticOptions, ExportXmlOptions } from './export/xml.js';
export { type LoadOptions, type TopologySource, type TypeFilter, loadTopology } from './load.js';
export { type Patience, loadWithin } from './load-within.js';
export type { Initiator, InitiatorValue, MemoryAttribute, TargetValue } from './memattrs/memory-attribute.js';
export type * from './object/attributes.js';
export type * from './object/kinds.js';
export type { Info } from './object/model.js';
export { pciClassName } from './object/types.js';
export {
  type ChildKind,
  type DataCacheType,
  type InstructionCacheType,
  type IoType,
  type MemoryType,
  type NormalType,
  type ObjectType,
  isCache,
  isDataCache,
  isInstructionCache,
  isIo,
  isMemory,
  isNormal,
  isObjectType,
  objectTypes,
} from './object/types.js';
export type { Segment } from './shmem.js';
export type { MemoryBinding, MemoryBindingPolicy } from './topology/binding.js';
export type { DistributeOptions } from './topology/distribute.js';
export type { PciAddress } from './topology/levels.js';
export type { LocalNumaNodesOptions, SameLocalityOptions } from './topology/locality.js';
export type {
  CpuBindingSupport,
  DiscoverySupport,
  MemoryBindingSupport,
  MiscSupport,
  Support,
} from './topology/support.js';
export { type Topology, adoptTopology } from './topology/topology.js';
