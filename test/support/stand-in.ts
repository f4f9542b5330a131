// Versions of libhwloc that are not at hand: a shared library that hands each call on to the real one, except for what its version
// does differently. Built by a C compiler, for jobs and for processes of their own; a process has one libhwloc for good.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { functionsSince, isIn } from '../../src/hwloc/ffi/since.js';
import { temporaryFolder } from './temporary.js';

/** What building one takes. */
export const standInPrograms = ['cc', 'nm', '/usr/include/stdio.h', '/usr/include/hwloc.h'] as const;

export interface Version {
  /** What hwloc_get_api_version() says. Functions that are newer are left out. */
  readonly apiVersion: number;
  /** C functions that take the place of the real ones. `real(name)` is the real one's address. */
  readonly code?: string;
}

let realLibrary: string | undefined;

/** The path of the libhwloc that programs are linked with. */
function realFile(): string {
  return (realLibrary ??= execFileSync('cc', ['-print-file-name=libhwloc.so.15'], {
    encoding: 'utf8',
  }).trim());
}

/** The functions that a library offers. */
function functionsOf(file: string): string[] {
  const listing = execFileSync('nm', ['--dynamic', '--defined-only', file], { encoding: 'utf8' });
  return [...listing.matchAll(/ T (hwloc_\w+)(?:@.*)?$/gm)].flatMap(([, name = '']) => name);
}

const jumps: Record<string, (name: string) => string> = {
  x64: (name) => `jmp *address_of_${name}(%rip)`,
  arm64: (name) => `adrp x16, address_of_${name}\\nldr x16, [x16, :lo12:address_of_${name}]\\nbr x16`,
};

/** A function that jumps to the real one, whatever its parameters are. */
function forwarder(name: string): string {
  const jump = jumps[process.arch]?.(name);
  if (jump === undefined) throw new Error(`a stand-in on ${process.arch} is not known how to be made`);
  return (
    `__attribute__((used, visibility("hidden"))) void *address_of_${name};\n` +
    `__asm__(".text\\n.globl ${name}\\n.type ${name}, %function\\n${name}:\\n${jump}\\n");\n`
  );
}

/**
 * Builds such a library.
 *
 * @returns its path; it is called `libhwloc.so.15`, so that LD_LIBRARY_PATH with its folder makes C programs use it.
 */
export function standIn({ apiVersion, code = '' }: Version): string {
  const own = new Set([...code.matchAll(/^\w[\w *]*?\b(hwloc_\w+)\(/gm)].map(([, name]) => name));
  const names = functionsOf(realFile()).filter(
    (name) =>
      name !== 'hwloc_get_api_version' && !own.has(name) && isIn<string>(functionsSince, name, apiVersion),
  );
  const source = `
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
static void *library;
__attribute__((unused)) static void *real(const char *name) { return dlsym(library, name); }
unsigned hwloc_get_api_version(void) { return ${apiVersion}; }
${names.map(forwarder).join('')}
${code}
__attribute__((constructor)) static void find(void) {
  library = dlopen("${realFile()}", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) abort();
${names.map((name) => `  address_of_${name} = real("${name}");`).join('\n')}
}
`;
  const folder = temporaryFolder();
  const file = join(folder, 'libhwloc.so.15');
  writeFileSync(join(folder, 'stand-in.c'), source);
  const options = ['-shared', '-fPIC', '-O1', '-w', '-Wl,-soname,libhwloc.so.15'];
  execFileSync('cc', [...options, '-o', file, join(folder, 'stand-in.c'), '-ldl'], { stdio: 'pipe' });
  return file;
}

/** hwloc 2.0 to 2.2. 2.0 has no type MemCache (18) and no type Die (19). */
export const before2_3: Readonly<Record<'2.0' | '2.1' | '2.2', Version>> = {
  '2.0': {
    apiVersion: 0x20000,
    code: `
int hwloc_topology_set_type_filter(void *topology, int type, int filter) {
  if (type >= 18) {
    errno = EINVAL;
    return -1;
  }
  return ((int (*)(void *, int, int))real("hwloc_topology_set_type_filter"))(topology, type, filter);
}
int hwloc_get_type_depth(void *topology, int type) {
  return type >= 18 ? -1 : ((int (*)(void *, int))real("hwloc_get_type_depth"))(topology, type);
}
`,
  },
  '2.1': { apiVersion: 0x20100 },
  '2.2': { apiVersion: 0x20200 },
};

/**
 * hwloc 3, as far as its XML and its ABI word go; for ranks that look at no objects.
 *
 * @param always  A format that it writes even if format 2 is asked for: leaders may be of an older hwloc-share, which did not ask.
 */
export function hwloc3(always?: number): string {
  const code = `
#include <sys/types.h>
#define ABI 0x30000u
static unsigned real_abi;
int hwloc_topology_init(unsigned **topology) {
  int result = ((int (*)(unsigned **))real("hwloc_topology_init"))(topology);
  if (result == 0) {
    real_abi = **topology;
    **topology = ABI;
  }
  return result;
}
int hwloc_shmem_topology_write(unsigned *topology, int fd, uint64_t offset, void *address, size_t length, unsigned long flags) {
  int result;
  *topology = real_abi;
  result = ((int (*)(void *, int, uint64_t, void *, size_t, unsigned long))real("hwloc_shmem_topology_write"))(
      topology, fd, offset, address, length, flags);
  *topology = ABI;
  return result;
}
int hwloc_shmem_topology_adopt(unsigned **topology, int fd, uint64_t offset, void *address, size_t length, unsigned long flags) {
  int result = ((int (*)(void *, int, uint64_t, void *, size_t, unsigned long))real("hwloc_shmem_topology_adopt"))(
      topology, fd, offset, address, length, flags);
  if (result == 0)
    **topology = ABI;
  return result;
}
int hwloc_topology_export_xmlbuffer(void *topology, char **text, int *length, unsigned long flags) {
  int format = ${always ?? '(flags & 2) != 0 ? 2 : 3'};
  int result =
      ((int (*)(void *, char **, int *, unsigned long))real("hwloc_topology_export_xmlbuffer"))(topology, text, length, 0);
  char *version = result == 0 ? strstr(*text, "<topology version=") : NULL;
  if (version != NULL)
    version[19] = '0' + format;
  return result;
}
`;
  return standIn({ apiVersion: 0x30000, code });
}

/** hwloc 2.14 built with --enable-32bits-pci-domain: bridges and PCI devices get attributes in that layout, with 0x10000 added to domains. */
export function wideDomains(more = ''): string {
  // hwloc.h says where the fields are in the usual build.
  const code = `
#include <hwloc.h>
static void widen(const union hwloc_obj_attr_u *from, unsigned char *to) {
  const struct hwloc_pcidev_attr_s *pci = &from->pcidev;
  *(unsigned *)to = pci->domain + 0x10000;
  to[4] = pci->bus;
  to[5] = pci->dev;
  to[6] = pci->func;
  memcpy(to + 8, &pci->class_id, 10);
  to[18] = pci->revision;
  memcpy(to + 20, &pci->linkspeed, 4);
}
int hwloc_topology_load(hwloc_topology_t topology) {
  int result = ((int (*)(hwloc_topology_t))real("hwloc_topology_load"))(topology);
  hwloc_obj_t (*get)(hwloc_topology_t, int, unsigned) = real("hwloc_get_obj_by_depth");
  hwloc_obj_t object = result == 0 ? get(topology, HWLOC_TYPE_DEPTH_PCI_DEVICE, 0) : NULL;
  for (; object != NULL; object = object->next_cousin) {
    unsigned char *to = calloc(1, 64);
    widen(object->attr, to);
    object->attr = (union hwloc_obj_attr_u *)to;
  }
  object = result == 0 ? get(topology, HWLOC_TYPE_DEPTH_BRIDGE, 0) : NULL;
  for (; object != NULL; object = object->next_cousin) {
    unsigned char *to = calloc(1, 64);
    const struct hwloc_bridge_attr_s *bridge = &object->attr->bridge;
    widen(object->attr, to);
    memcpy(to + 24, &bridge->upstream_type, 4);
    *(unsigned *)(to + 28) = bridge->downstream.pci.domain + 0x10000;
    to[32] = bridge->downstream.pci.secondary_bus;
    to[33] = bridge->downstream.pci.subordinate_bus;
    memcpy(to + 36, &bridge->downstream_type, 4);
    memcpy(to + 40, &bridge->depth, 4);
    object->attr = (union hwloc_obj_attr_u *)to;
  }
  return result;
}
${more}`;
  return standIn({ apiVersion: 0x20c00, code });
}
