// The door of src/hwloc: libhwloc through koffi. Knows nothing of ranks. koffi types and native pointers stay inside.

export {
  HwlocError,
  LibhwlocNotFoundError,
  LibhwlocUnsupportedError,
  TopologyClosedError,
} from './errors.js';
export { type Libhwloc, abi, libhwloc, versionText } from './library.js';
export { type Reservation, allocate, mkfifo, pageSize, reserve } from './libc.js';
export { type LoadOptions, type TopologySource, type TypeFilter, loadTopology } from './load.js';
export { type Segment, shmemAbi } from './shmem.js';
export { type Topology, adoptTopology } from './topology.js';
export { type ObjectType, isObjectType, objectTypes } from './types.js';
