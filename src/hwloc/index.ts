// The door of src/hwloc: libhwloc through koffi. Knows nothing of ranks. koffi types and native pointers stay inside.

// What other folders need beside what users get.
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
export { type ProcessEnd, type Program, endOf, spawnExactly } from './ffi/spawn.js';
export { threadName } from './ffi/thread.js';
export { type Watch, watch } from './ffi/poll.js';
export { type Libhwloc, abi, libhwloc, versionText } from './ffi/library.js';
export { koffiVersion } from './ffi/open-library.js';
export { type MappedFile, type Piece, mapPieces } from './mapped-file.js';
export { loadedPlugins, pluginsGivenUp } from './load-within.js';
export { type Found, findTopology, offerNothing, offerTopology } from './process-topology.js';
export { type Written, prepareToAdopt, shmemAbi, writtenIn } from './shmem.js';
export { adoptSealed, copyOf } from './topology/topology.js';
export * from './public.js';
