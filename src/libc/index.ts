// The door of src/libc: the system calls that Node lacks, through koffi. Only src/hwloc uses koffi's types and addresses in memory.

export { HwlocError, KoffiNotLoadedError } from './errors.js';
export { setThreadAffinity, threadAffinity } from './affinity.js';
export {
  type Status,
  allocate,
  anonymousFile,
  linkAt,
  mkfifo,
  openPipe,
  statusAt,
  statusOf,
  writeText,
} from './files.js';
export { koffiVersion } from './koffi.js';
export { type Bytes, lockBytes, lockOnBytes, unlockBytes } from './locks.js';
export { type Reservation, pageSize, reserve } from './mappings.js';
export { type Watch, watch } from './poll.js';
export { type ProcessEnd, type Program, endOf, spawnExactly } from './spawn.js';
export { namesUnder, numbersIn, textIn } from './system.js';
export { isMainThread, threadId, threadName } from './threads.js';
export { setFirst } from './variables.js';

// For src/hwloc only.
export { type NativeFunction, failure, invoke } from './errno.js';
export { koffi } from './koffi.js';
export { makeReadOnly, makeWritable, mapNew, mapPrivately, mapPrivatelyAt, unmap } from './mappings.js';
export { keepLoaded, native, openLibrary } from './native.js';
export { callOnOwnThread } from './threads.js';
export { withVariable, withVariables } from './variables.js';
