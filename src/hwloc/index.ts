// The door of src/hwloc: libhwloc through koffi. This folder knows nothing of ranks. Memory addresses stay in
// src/hwloc and src/libc.

// What other folders need in addition to the public part.
export { type Libhwloc, abi, libhwloc, versionText } from './ffi/library.js';
export { type MappedFile, type Piece, mapPieces } from './mapped-file.js';
export { loadedPlugins, pluginsGivenUp } from './load-within.js';
export { type Found, findTopology, offerNothing, offerTopology } from './process-topology.js';
export { type Written, prepareToAdopt, shmemAbi, writtenIn } from './shmem.js';
export { type Alike, labelOf } from './object/label.js';
export { adoptSealed, copyOf } from './topology/topology.js';
export * from './public.js';
