// The few libc calls that Node does not offer. Addresses are plain numbers (user space ends far below 2^53).

import { environment, removeVariable } from '../../environment/index.js';
import { type LibraryHandle, koffi } from './koffi.js';
import { HwlocError } from '../errors.js';
import { errnoName } from './errno.js';
import { type NativeFunction, invoke } from './invoke.js';
import { openLibrary } from './open-library.js';
import { isMainThread } from './thread.js';

// Linux, the same on x86-64, arm64, ppc64le, riscv64 and s390x: asm-generic/mman-common.h, linux/memfd.h, bits/confname.h.
const PROT_NONE = 0;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const MAP_FIXED_NOREPLACE = 0x100000;
const MFD_CLOEXEC = 1;
const SC_PAGESIZE = 30;
// bits/dlfcn.h
const RTLD_NOW = 0x2;
const RTLD_NODELETE = 0x1000;

const prototypes = {
  mmap: 'intptr_t mmap(uintptr_t addr, size_t length, int prot, int flags, int fd, int64_t offset)',
  munmap: 'int munmap(uintptr_t addr, size_t length)',
  mprotect: 'int mprotect(uintptr_t addr, size_t length, int prot)',
  mkfifo: 'int mkfifo(const char *path, uint32_t mode)',
  statx: 'int statx(int dirfd, const char *path, int flags, unsigned int mask, void *status)',
  // Variadic in C; an argument that is a pointer is passed in the same way on all machines of 64 bits that Node runs on.
  fcntl: 'int fcntl(int fd, int command, void *lock)',
  readlink: 'intptr_t readlink(const char *path, void *target, size_t size)',
  write: 'intptr_t write(int fd, const char *text, size_t length)',
  posix_fallocate: 'int posix_fallocate(int fd, int64_t offset, int64_t length)',
  poll: 'int poll(void *descriptors, unsigned long count, int milliseconds)',
  memfd_create: 'int memfd_create(const char *name, unsigned int flags)',
  sysconf: 'long sysconf(int name)',
  dlopen: 'intptr_t dlopen(const char *file, int flags)',
  getenv: 'const char *getenv(const char *name)',
  setenv: 'int setenv(const char *name, const char *value, int overwrite)',
  unsetenv: 'int unsetenv(const char *name)',
  pthread_attr_init: 'int pthread_attr_init(void *attributes)',
  pthread_attr_setstacksize: 'int pthread_attr_setstacksize(void *attributes, size_t size)',
  pthread_create:
    'int pthread_create(_Out_ uintptr_t *thread, void *attributes, uintptr_t function, uintptr_t argument)',
  pthread_timedjoin_np: 'int pthread_timedjoin_np(uintptr_t thread, _Out_ uintptr_t *result, void *time)',
  _exit: 'void _exit(int status)',
  posix_spawnp:
    'int posix_spawnp(_Out_ int *pid, uintptr_t file, void *actions, void *attributes, uintptr_t argv, uintptr_t envp)',
  posix_spawn_file_actions_init: 'int posix_spawn_file_actions_init(void *actions)',
  posix_spawn_file_actions_addopen:
    'int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags, uint32_t mode)',
  posix_spawn_file_actions_destroy: 'int posix_spawn_file_actions_destroy(void *actions)',
  posix_spawnattr_init: 'int posix_spawnattr_init(void *attributes)',
  posix_spawnattr_setflags: 'int posix_spawnattr_setflags(void *attributes, short flags)',
  posix_spawnattr_setsigmask: 'int posix_spawnattr_setsigmask(void *attributes, void *signals)',
  posix_spawnattr_setsigdefault: 'int posix_spawnattr_setsigdefault(void *attributes, void *signals)',
  posix_spawnattr_destroy: 'int posix_spawnattr_destroy(void *attributes)',
  sigemptyset: 'int sigemptyset(void *signals)',
  sigfillset: 'int sigfillset(void *signals)',
  fcntlOfInt: 'int fcntl(int fd, int command, int argument)',
  waitpid: 'int waitpid(int pid, _Out_ int *status, int options)',
};

const declared: Partial<Record<keyof typeof prototypes, NativeFunction>> = {};
let libc: LibraryHandle | undefined;

/** Declares a function at its first use: each declaration costs some 20 µs, and a member needs few of them. */
export function native(name: keyof typeof prototypes): NativeFunction {
  // null: the process itself, in which Node has libc loaded already, whatever its file is called.
  libc ??= openLibrary(null);
  return (declared[name] ??= libc.func(prototypes[name]) as NativeFunction);
}

let cachedPageSize: number | undefined;

/** Bytes in a page of this system: 4096, 16384 or 65536. @see sysconf(3), _SC_PAGESIZE */
export function pageSize(): number {
  return (cachedPageSize ??= invoke('sysconf', () => native('sysconf')(SC_PAGESIZE)));
}

/** A `PROT_NONE` mapping that keeps everything else in the process off a range. */
export interface Reservation {
  readonly address: number;
  readonly length: number;
  /** Unmaps the range. Further calls do nothing. */
  release(): void;
}

/**
 * Reserves `[address, address + length)`: it costs no memory, only the room.
 *
 * @throws HwlocError  `EBUSY`: something is mapped there. `ENOMEM`: no room is left (`ulimit -v`), or the address is
 *                     beyond what a process may map.
 * @see mmap(2), MAP_FIXED_NOREPLACE (Linux 4.17; an older kernel takes the address as a hint, hence the comparison)
 */
export function reserve(address: number, length: number): Reservation {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
  koffi.errno(0);
  const mapped = Number(native('mmap')(address, length, PROT_NONE, flags, -1, 0));
  if (mapped === -1) {
    const code = errnoName(koffi.errno());
    throw new HwlocError('mmap', code === 'EEXIST' ? 'EBUSY' : code);
  }
  let held = true;
  const release = () => {
    if (held) invoke('munmap', () => native('munmap')(mapped, length));
    held = false;
  };
  if (mapped !== address) {
    release();
    throw new HwlocError('mmap', 'EBUSY');
  }
  return { address, length, release };
}

/**
 * Maps new memory, all zero, at an address where nothing is mapped yet.
 *
 * @returns whether it did. Of several threads that try at once, one does.
 * @see mmap(2), MAP_FIXED_NOREPLACE
 */
export function mapNew(address: number, length: number): boolean {
  const flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
  const mapped = Number(native('mmap')(address, length, PROT_READ | PROT_WRITE, flags, -1, 0));
  if (mapped !== -1 && mapped !== address) unmap(mapped, length);
  return mapped === address;
}

/** Keeps a library loaded until the process ends. Otherwise it goes when the last thread ends that has loaded it. @see dlopen(3) */
export function keepLoaded(file: string): void {
  native('dlopen')(file, RTLD_NOW | RTLD_NODELETE);
}

/**
 * Maps the first bytes of a file, wherever there is room. The pages are the file's own, shared with all who map it, until
 * somebody writes to one: that changes a copy of it, which this process has for itself.
 *
 * @returns the address.
 * @throws HwlocError  `ENOMEM`: no room is left (`ulimit -v`), or the copies that there might be are more than the system promises
 *                     (`vm.overcommit_memory=2`).
 * @see mmap(2), MAP_PRIVATE
 */
export function mapPrivately(fd: number, length: number): number {
  const flags = MAP_PRIVATE | MAP_NORESERVE;
  return invoke('mmap', () => native('mmap')(0, length, PROT_READ | PROT_WRITE, flags, fd, 0));
}

/**
 * Maps a part of a file in place of what is mapped in a range. As with {@link mapPrivately}, what is written to is a copy.
 *
 * @throws HwlocError  `ENOMEM`.
 * @see mmap(2), MAP_FIXED
 */
export function mapPrivatelyAt(address: number, length: number, fd: number, offset: number): void {
  const flags = MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED;
  invoke('mmap', () => native('mmap')(address, length, PROT_READ | PROT_WRITE, flags, fd, offset));
}

/** Gives a mapping back. @see munmap(2) */
export function unmap(address: number, length: number): void {
  invoke('munmap', () => native('munmap')(address, length));
}

/** Makes a mapped range readable, and no more. @see mprotect(2) */
export function makeReadOnly(address: number, length: number): void {
  invoke('mprotect', () => native('mprotect')(address, length, PROT_READ));
}

/** Makes a mapped range readable and writable. @see mprotect(2) */
export function makeWritable(address: number, length: number): void {
  invoke('mprotect', () => native('mprotect')(address, length, PROT_READ | PROT_WRITE));
}

/**
 * Makes a FIFO, mode 0600 whatever the umask (which can only take bits away).
 *
 * @throws HwlocError  `EEXIST`: the name is taken. `ENOENT`, `EACCES`, `ENOSPC`: of the directory.
 * @see mkfifo(3). In-process it takes 17 µs; as a child process 2 to 3 ms.
 */
export function mkfifo(path: string): void {
  invoke('mkfifo', () => native('mkfifo')(path, 0o600), {
    EEXIST: `${path} exists already: choose another name`,
    ENOENT: `the directory of ${path} is not there`,
  });
}

/**
 * Allocates `[offset, offset + length)` of a file, so that no later write to a mapping of it can raise SIGBUS.
 *
 * @throws HwlocError  `ENOSPC`: the file system, or the quota, has no room for `length` bytes.
 * @see posix_fallocate(3), which returns the errno instead of setting it
 */
export function allocate(fd: number, offset: number, length: number): void {
  const errno = Number(native('posix_fallocate')(fd, offset, length));
  if (errno !== 0) throw new HwlocError('posix_fallocate', errnoName(errno));
}

const POLLIN = 0x01;
const POLLOUT = 0x04;
const POLLERR = 0x08;

/**
 * Whether a descriptor can be read (its end is read, too) or written now. A FIFO that nobody has written to, or opened to do so, cannot be
 * read: it has no end yet.
 *
 * @returns undefined if not; else whether it is broken (the reader of a pipe is gone).
 * @see poll(2)
 */
export function pollNow(fd: number, what: 'readable' | 'writable'): { broken: boolean } | undefined {
  // struct pollfd: int fd; short events; short revents.
  const entry = new Int32Array([fd, 0]);
  const events = new Int16Array(entry.buffer, 4);
  events[0] = what === 'readable' ? POLLIN : POLLOUT;
  if (invoke('poll', () => native('poll')(entry, 1, 0)) === 0) return undefined;
  return { broken: ((events[1] ?? 0) & POLLERR) !== 0 };
}

/** An anonymous file in memory, close-on-exec. @returns its descriptor. @see memfd_create(2) */
export function anonymousFile(name: string): number {
  return invoke('memfd_create', () => native('memfd_create')(name, MFD_CLOEXEC));
}

/**
 * Runs `body` with a variable of the C environment set, and puts the old value back.
 *
 * libhwloc reads its settings with getenv(); `process.env` is a copy in worker threads and would not reach it. Only for
 * synchronous bodies, and not while another thread may be inside libhwloc: setenv and getenv do not lock each other out.
 */
export function withVariable<Result>(name: string, value: string, body: () => Result): Result {
  const before = get(name);
  invoke('setenv', () => native('setenv')(name, value, 1));
  try {
    return body();
  } finally {
    if (before === undefined) remove(name);
    else native('setenv')(name, before, 1);
  }
}

/**
 * Sets a variable of the C environment for good, in one thread of all of a process that try at once. (`process.env` is that environment
 * in the main thread only; worker threads have copies.)
 *
 * @param value    Unlike any other thread's.
 * @param isStale  Whether a value that it has already may go.
 * @returns whether it was this call that set it.
 */
export function setFirst(name: string, value: string, isStale: (value: string) => boolean): boolean {
  const before = get(name);
  if (before !== undefined) {
    if (!isStale(before)) return false;
    remove(name);
  }
  // Not to overwrite what another thread has set since.
  invoke('setenv', () => native('setenv')(name, value, 0));
  return get(name) === value;
}

/** In the main thread, Node's `process.env` is the C environment itself, and no function has to be declared to ask it. */
function get(name: string): string | undefined {
  return isMainThread ? environment()[name] : ((native('getenv')(name) as string | null) ?? undefined);
}

function remove(name: string): void {
  if (isMainThread) removeVariable(name);
  else native('unsetenv')(name);
}

/** The same with several variables; one whose value is undefined is taken out. */
export function withVariables<Result>(
  values: Readonly<Record<string, string | undefined>>,
  body: () => Result,
): Result {
  const [first, ...others] = Object.entries(values);
  if (first === undefined) return body();
  const [name, value] = first;
  // Setting it first keeps the old value for afterwards, also of one that is taken out.
  return withVariable(name, value ?? '', () => {
    if (value === undefined) remove(name);
    return withVariables(Object.fromEntries(others), body);
  });
}
