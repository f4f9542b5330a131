// The door of src/hwloc: libhwloc through koffi. Knows nothing of ranks. koffi types and native pointers stay inside.

export { InvalidArgumentError } from '../check/index.js';
export type { BindingOptions, SetCpuBindingOptions, SetMemoryBindingOptions } from './binding/flags.js';
export { CpuSet, NodeSet } from './bitmap/sets.js';
export type { CpuKind } from './cpukinds/cpu-kinds.js';
export type { Distances, DistancesFilter, DistancesKind } from './distances/distances.js';
export {
  ForeignObjectError,
  HwlocError,
  KoffiNotLoadedError,
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
export { type Status, linkAt, statusAt, statusOf, writeText } from './ffi/files.js';
export { type Bytes, lockBytes, lockOnBytes, unlockBytes } from './ffi/locks.js';
export {
  type Reservation,
  allocate,
  anonymousFile,
  mkfifo,
  pageSize,
  reserve,
  setFirst,
} from './ffi/libc.js';
export { threadName } from './ffi/thread.js';
export { type Watch, watch } from './ffi/poll.js';
export { type Libhwloc, abi, libhwloc, versionText } from './ffi/library.js';
export { koffiVersion } from './ffi/open-library.js';
export { type MappedFile, type Piece, mapPieces } from './mapped-file.js';
export { type LoadOptions, type TopologySource, type TypeFilter, loadTopology } from './load.js';
export { type Patience, loadWithin, loadedPlugins } from './load-within.js';
export type { Initiator, InitiatorValue, MemoryAttribute, TargetValue } from './memattrs/memory-attribute.js';
export type * from './object/attributes.js';
export type * from './object/kinds.js';
export type { Info } from './object/model.js';
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
export { type Found, findTopology, offerNothing, offerTopology } from './process-topology.js';
export { type Segment, prepareToAdopt, shmemAbi } from './shmem.js';
export type { MemoryBinding, MemoryBindingPolicy } from './topology/binding.js';
export type { DistributeOptions } from './topology/distribute.js';
export type { PciAddress } from './topology/levels.js';
export type { LocalNumaNodesOptions, SameLocalityOptions } from './topology/locality.js';
export type * from './topology/support.js';
export { type Topology, adoptTopology } from './topology/topology.js';
