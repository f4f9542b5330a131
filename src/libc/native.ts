// Opens shared libraries, and declares the functions of libc that this folder calls.

import type { NativeFunction } from './errno.js';
import { type LibraryHandle, koffi } from './koffi.js';

// bits/dlfcn.h
const RTLD_NOW = 0x2;
const RTLD_NODELETE = 0x1000;

const prototypes = {
  mmap: 'intptr_t mmap(uintptr_t addr, size_t length, int prot, int flags, int fd, int64_t offset)',
  munmap: 'int munmap(uintptr_t addr, size_t length)',
  mprotect: 'int mprotect(uintptr_t addr, size_t length, int prot)',
  mkfifo: 'int mkfifo(const char *path, uint32_t mode)',
  statx: 'int statx(int dirfd, const char *path, int flags, unsigned int mask, void *status)',
  // Variadic in C. A pointer argument is passed in the same way on all 64-bit machines that Node runs on.
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
  pipe2: 'int pipe2(void *descriptors, int flags)',
  posix_spawn_file_actions_adddup2: 'int posix_spawn_file_actions_adddup2(void *actions, int fd, int target)',
  sched_getaffinity: 'int sched_getaffinity(int pid, size_t size, void *mask)',
  sched_setaffinity: 'int sched_setaffinity(int pid, size_t size, void *mask)',
  waitpid: 'int waitpid(int pid, _Out_ int *status, int options)',
};

const declared: Partial<Record<keyof typeof prototypes, NativeFunction>> = {};
let libc: LibraryHandle | undefined;

/**
 * Declares a function at its first use. Each declaration takes about 20 µs, and a member needs few functions.
 */
export function native(name: keyof typeof prototypes): NativeFunction {
  // null is the process itself. Node has already loaded libc, whatever its file is called.
  libc ??= openLibrary(null);
  return (declared[name] ??= libc.func(prototypes[name]) as NativeFunction);
}

/**
 * Opens a shared library. `null` is the process itself, with everything that Node has already loaded.
 *
 * @throws Error  of koffi, with dlerror()'s text
 */
export function openLibrary(file: string | null): LibraryHandle {
  // Plugins of libhwloc (OpenCL, CUDA, NVML, PCI) look for its functions among the global symbols. Without
  // `global` no plugin loads.
  return koffi.load(file, { global: true });
}

/**
 * Keeps a library loaded until the process ends. Otherwise it is unloaded when the last thread ends that has
 * loaded it. @see dlopen(3)
 */
export function keepLoaded(file: string): void {
  native('dlopen')(file, RTLD_NOW | RTLD_NODELETE);
}
