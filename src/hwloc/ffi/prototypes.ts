// Declarations of libhwloc's C functions, for koffi.

// Addresses are `uintptr_t`: plain numbers. `void *` is a typed array that the function fills or reads.

/** Functions that each rank calls. */
const first = {
  hwloc_get_api_version: 'unsigned int hwloc_get_api_version()',
  hwloc_topology_init: 'int hwloc_topology_init(_Out_ uintptr_t *topology)',
  hwloc_topology_destroy: 'void hwloc_topology_destroy(uintptr_t topology)',
  hwloc_shmem_topology_adopt:
    'int hwloc_shmem_topology_adopt(_Out_ uintptr_t *topology, int fd, uint64_t offset, uintptr_t address, size_t length, unsigned long flags)',
};

/**
 * All other functions of hwloc 2.x. Built at the first use: a member uses none of them, and the table has 12
 * KB.
 */
const makeOthers = () => ({
  hwloc_topology_load: 'int hwloc_topology_load(uintptr_t topology)',
  hwloc_topology_dup: 'int hwloc_topology_dup(_Out_ uintptr_t *copy, uintptr_t topology)',
  hwloc_topology_refresh: 'int hwloc_topology_refresh(uintptr_t topology)',
  hwloc_topology_set_flags: 'int hwloc_topology_set_flags(uintptr_t topology, unsigned long flags)',
  hwloc_topology_set_xmlbuffer:
    'int hwloc_topology_set_xmlbuffer(uintptr_t topology, const char *buffer, int size)',
  hwloc_topology_set_xml: 'int hwloc_topology_set_xml(uintptr_t topology, const char *path)',
  hwloc_topology_set_synthetic:
    'int hwloc_topology_set_synthetic(uintptr_t topology, const char *description)',
  hwloc_topology_set_components:
    'int hwloc_topology_set_components(uintptr_t topology, unsigned long flags, const char *name)',
  hwloc_topology_set_type_filter:
    'int hwloc_topology_set_type_filter(uintptr_t topology, int type, int filter)',
  hwloc_topology_set_io_types_filter:
    'int hwloc_topology_set_io_types_filter(uintptr_t topology, int filter)',
  hwloc_topology_is_thissystem: 'int hwloc_topology_is_thissystem(uintptr_t topology)',
  hwloc_topology_get_depth: 'int hwloc_topology_get_depth(uintptr_t topology)',
  hwloc_get_type_depth: 'int hwloc_get_type_depth(uintptr_t topology, int type)',
  hwloc_get_depth_type: 'int hwloc_get_depth_type(uintptr_t topology, int depth)',
  hwloc_get_nbobjs_by_depth: 'unsigned int hwloc_get_nbobjs_by_depth(uintptr_t topology, int depth)',
  hwloc_topology_export_xmlbuffer:
    'int hwloc_topology_export_xmlbuffer(uintptr_t topology, _Out_ uintptr_t *buffer, _Out_ int *length, unsigned long flags)',
  hwloc_free_xmlbuffer: 'void hwloc_free_xmlbuffer(uintptr_t topology, uintptr_t buffer)',
  hwloc_shmem_topology_get_length:
    'int hwloc_shmem_topology_get_length(uintptr_t topology, _Out_ size_t *length, unsigned long flags)',
  hwloc_shmem_topology_write:
    'int hwloc_shmem_topology_write(uintptr_t topology, int fd, uint64_t offset, uintptr_t address, size_t length, unsigned long flags)',
  hwloc_topology_get_support: 'uintptr_t hwloc_topology_get_support(uintptr_t topology)',
  hwloc_topology_get_infos: 'uintptr_t hwloc_topology_get_infos(uintptr_t topology)',
  hwloc_topology_get_allowed_cpuset: 'uintptr_t hwloc_topology_get_allowed_cpuset(uintptr_t topology)',
  hwloc_topology_get_allowed_nodeset: 'uintptr_t hwloc_topology_get_allowed_nodeset(uintptr_t topology)',
  hwloc_topology_export_synthetic:
    'int hwloc_topology_export_synthetic(uintptr_t topology, void *buffer, size_t length, unsigned long flags)',

  hwloc_type_sscanf:
    'int hwloc_type_sscanf(const char *text, _Out_ int *type, void *attributes, size_t size)',
  // Not in the public headers; lstopo calls it too.
  hwloc_pci_class_string: 'const char *hwloc_pci_class_string(unsigned short classId)',
  hwloc_compare_types: 'int hwloc_compare_types(int type1, int type2)',
  hwloc_get_memory_parents_depth: 'int hwloc_get_memory_parents_depth(uintptr_t topology)',
  hwloc_get_obj_by_depth:
    'uintptr_t hwloc_get_obj_by_depth(uintptr_t topology, int depth, unsigned int index)',
  hwloc_get_closest_objs:
    'unsigned int hwloc_get_closest_objs(uintptr_t topology, uintptr_t source, void *objects, unsigned int max)',
  hwloc_get_largest_objs_inside_cpuset:
    'int hwloc_get_largest_objs_inside_cpuset(uintptr_t topology, uintptr_t set, void *objects, int max)',
  hwloc_get_obj_with_same_locality:
    'uintptr_t hwloc_get_obj_with_same_locality(uintptr_t topology, uintptr_t source, int type, const char *subtype, const char *prefix, unsigned long flags)',
  hwloc_get_local_numanode_objs:
    'int hwloc_get_local_numanode_objs(uintptr_t topology, void *location, _Inout_ unsigned int *count, void *nodes, unsigned long flags)',

  hwloc_bitmap_alloc: 'uintptr_t hwloc_bitmap_alloc()',
  hwloc_bitmap_free: 'void hwloc_bitmap_free(uintptr_t bitmap)',
  hwloc_bitmap_sscanf: 'int hwloc_bitmap_sscanf(uintptr_t bitmap, const char *text)',
  hwloc_bitmap_snprintf: 'int hwloc_bitmap_snprintf(void *buffer, size_t length, uintptr_t bitmap)',
  hwloc_bitmap_singlify_per_core:
    'int hwloc_bitmap_singlify_per_core(uintptr_t topology, uintptr_t cpuset, unsigned int which)',

  hwloc_set_cpubind: 'int hwloc_set_cpubind(uintptr_t topology, uintptr_t set, int flags)',
  hwloc_get_cpubind: 'int hwloc_get_cpubind(uintptr_t topology, uintptr_t set, int flags)',
  hwloc_set_proc_cpubind: 'int hwloc_set_proc_cpubind(uintptr_t topology, int pid, uintptr_t set, int flags)',
  hwloc_get_proc_cpubind: 'int hwloc_get_proc_cpubind(uintptr_t topology, int pid, uintptr_t set, int flags)',
  hwloc_get_last_cpu_location:
    'int hwloc_get_last_cpu_location(uintptr_t topology, uintptr_t set, int flags)',
  hwloc_get_proc_last_cpu_location:
    'int hwloc_get_proc_last_cpu_location(uintptr_t topology, int pid, uintptr_t set, int flags)',
  hwloc_set_membind: 'int hwloc_set_membind(uintptr_t topology, uintptr_t set, int policy, int flags)',
  hwloc_get_membind: 'int hwloc_get_membind(uintptr_t topology, uintptr_t set, _Out_ int *policy, int flags)',
  hwloc_set_proc_membind:
    'int hwloc_set_proc_membind(uintptr_t topology, int pid, uintptr_t set, int policy, int flags)',
  hwloc_get_proc_membind:
    'int hwloc_get_proc_membind(uintptr_t topology, int pid, uintptr_t set, _Out_ int *policy, int flags)',

  hwloc_distances_get:
    'int hwloc_distances_get(uintptr_t topology, _Inout_ unsigned int *count, void *distances, unsigned long kind, unsigned long flags)',
  hwloc_distances_get_by_depth:
    'int hwloc_distances_get_by_depth(uintptr_t topology, int depth, _Inout_ unsigned int *count, void *distances, unsigned long kind, unsigned long flags)',
  hwloc_distances_get_by_type:
    'int hwloc_distances_get_by_type(uintptr_t topology, int type, _Inout_ unsigned int *count, void *distances, unsigned long kind, unsigned long flags)',
  hwloc_distances_get_by_name:
    'int hwloc_distances_get_by_name(uintptr_t topology, const char *name, _Inout_ unsigned int *count, void *distances, unsigned long flags)',
  hwloc_distances_get_name: 'uintptr_t hwloc_distances_get_name(uintptr_t topology, uintptr_t distances)',
  hwloc_distances_release: 'void hwloc_distances_release(uintptr_t topology, uintptr_t distances)',

  hwloc_memattr_get_name:
    'int hwloc_memattr_get_name(uintptr_t topology, unsigned int id, _Out_ uintptr_t *name)',
  hwloc_memattr_get_flags:
    'int hwloc_memattr_get_flags(uintptr_t topology, unsigned int id, _Out_ unsigned long *flags)',
  hwloc_memattr_get_value:
    'int hwloc_memattr_get_value(uintptr_t topology, unsigned int id, uintptr_t target, void *initiator, unsigned long flags, _Out_ uint64_t *value)',
  hwloc_memattr_get_best_target:
    'int hwloc_memattr_get_best_target(uintptr_t topology, unsigned int id, void *initiator, unsigned long flags, _Out_ uintptr_t *target, _Out_ uint64_t *value)',
  hwloc_memattr_get_best_initiator:
    'int hwloc_memattr_get_best_initiator(uintptr_t topology, unsigned int id, uintptr_t target, unsigned long flags, void *initiator, _Out_ uint64_t *value)',
  hwloc_memattr_get_targets:
    'int hwloc_memattr_get_targets(uintptr_t topology, unsigned int id, void *initiator, unsigned long flags, _Inout_ unsigned int *count, void *targets, void *values)',
  hwloc_memattr_get_initiators:
    'int hwloc_memattr_get_initiators(uintptr_t topology, unsigned int id, uintptr_t target, unsigned long flags, _Inout_ unsigned int *count, void *initiators, void *values)',

  hwloc_cpukinds_get_nr: 'int hwloc_cpukinds_get_nr(uintptr_t topology, unsigned long flags)',
  hwloc_cpukinds_get_by_cpuset:
    'int hwloc_cpukinds_get_by_cpuset(uintptr_t topology, uintptr_t cpuset, unsigned long flags)',
  hwloc_cpukinds_get_info:
    'int hwloc_cpukinds_get_info(uintptr_t topology, unsigned int kind, uintptr_t cpuset, _Out_ int *efficiency, _Out_ unsigned int *count, _Out_ uintptr_t *infos, unsigned long flags)',
});

/**
 * hwloc 3.0's declarations of the functions whose parameters it changed.
 *
 * hwloc_cpukinds_get_info: one `struct hwloc_infos_s **` instead of a count and an array.
 */
const prototypesOf3: Partial<Record<LibhwlocFunction, string>> = {
  hwloc_cpukinds_get_info:
    'int hwloc_cpukinds_get_info(uintptr_t topology, unsigned int kind, uintptr_t cpuset, _Out_ int *efficiency, _Out_ uintptr_t *infos, unsigned long flags)',
};

/** The name of a C function of libhwloc that this binding calls. */
export type LibhwlocFunction = keyof typeof first | keyof ReturnType<typeof makeOthers>;

type Table = Partial<Record<LibhwlocFunction, string>>;

const early: Table = first;
let others: Table | undefined;

/** The declaration of a function. @param major  Major version of libhwloc. */
export function prototypeOf(name: LibhwlocFunction, major: number): string {
  const prototype = (major === 3 ? prototypesOf3[name] : undefined) ?? early[name] ?? othersOf()[name];
  if (prototype === undefined) throw new Error(`${name} stands in no table`);
  return prototype;
}

/** The names of all functions in the tables. */
export function functionNames(): readonly LibhwlocFunction[] {
  return Object.keys({ ...early, ...othersOf() }) as LibhwlocFunction[];
}

function othersOf(): Table {
  return (others ??= makeOthers());
}
