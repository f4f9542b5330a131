// What both peers need: the gates of the harness, clocks, memory, and the steps of sharing by hand.
#ifndef PEER_H
#define PEER_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <hwloc.h>
#include <hwloc/shmem.h>

#define ALIGNMENT ((uintptr_t)2 << 20)

static inline void die(const char *what) {
  fprintf(stderr, "peer: %s: %s\n", what, errno ? strerror(errno) : "failed");
  exit(1);
}

static inline uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// User and system time of this process, all threads, in microseconds.
static inline uint64_t cpu(void) {
  struct rusage r;
  getrusage(RUSAGE_SELF, &r);
  return (uint64_t)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1000000u + (uint64_t)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

// --- Gates: see bench/jobs/gates.ts. A rank waits in a blocking read, which the harness's close ends. ---

struct gate {
  int go, done;
};

static inline int open_in(const char *folder, const char *kind, const char *step, int flags) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s%s%s", folder, kind, *step ? "." : "", step);
  int fd = open(path, flags | O_CLOEXEC);
  if (fd < 0) die(path);
  return fd;
}

static inline struct gate open_gate(const char *folder, const char *step) {
  struct gate gate = {open_in(folder, "go", step, O_RDONLY), open_in(folder, "done", step, O_WRONLY)};
  return gate;
}

static inline void report_ready(const char *folder) {
  int fd = open_in(folder, "ready", "", O_WRONLY);
  if (write(fd, "r", 1) != 1) die("ready");
  close(fd);
}

static inline void wait_at(struct gate gate) {
  char byte;
  while (read(gate.go, &byte, 1) < 0 && errno == EINTR) {
  }
}

static inline void pass(struct gate gate) { close(gate.done); }

// --- Memory, in KiB. ---

struct usage {
  long pss, private_;
};

// One mapping by its address, or with 0 the whole process.
static inline struct usage usage_of(uintptr_t address) {
  struct usage usage = {0, 0};
  FILE *file = fopen(address ? "/proc/self/smaps" : "/proc/self/smaps_rollup", "re");
  if (!file) return usage;
  char line[512];
  int inside = !address;
  while (fgets(line, sizeof line, file)) {
    uintptr_t start, end;
    long kib;
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) == 2) {
      inside = !address || start == address;
      continue;
    }
    if (!inside) continue;
    if (sscanf(line, "Pss: %ld", &kib) == 1) usage.pss = kib;
    if (sscanf(line, "Private_Dirty: %ld", &kib) == 1 || sscanf(line, "Private_Clean: %ld", &kib) == 1) usage.private_ += kib;
  }
  fclose(file);
  return usage;
}

static size_t walked;

static inline void walk(hwloc_topology_t topology, hwloc_obj_t object) {
  walked += strlen(hwloc_obj_type_string(object->type)) + object->infos_count;
  if (object->cpuset) walked += (size_t)hwloc_bitmap_weight(object->cpuset);
  for (unsigned i = 0; i < object->infos_count; i++) walked += strlen(object->infos[i].name);
  hwloc_obj_t child = NULL;
  while ((child = hwloc_get_next_child(topology, object, child))) walk(topology, child);
}

// --- Sharing. ---

// As hwloc-share loads: I/O devices that matter, hwloc's defaults for the rest.
static inline hwloc_topology_t load(void) {
  hwloc_topology_t topology;
  if (hwloc_topology_init(&topology)) die("hwloc_topology_init");
  if (hwloc_topology_set_io_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_IMPORTANT)) die("filter");
  if (hwloc_topology_load(topology)) die("hwloc_topology_load");
  return topology;
}

// The middle of the biggest hole in this process's own map, as PMIx takes it.
static inline void *hole(size_t length) {
  FILE *file = fopen("/proc/self/maps", "re");
  if (!file) die("/proc/self/maps");
  char line[8192];
  uintptr_t last = 0x10000, best = 0, size = 0, start, end;
  while (fgets(line, sizeof line, file)) {
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) != 2 || start > (uintptr_t)1 << 47) continue;
    if (start > last && start - last > size) {
      best = last;
      size = start - last;
    }
    last = end;
  }
  fclose(file);
  if (size < length + 2 * ALIGNMENT) die("no hole");
  return (void *)((best + (size - length) / 2) & ~(ALIGNMENT - 1));
}

struct plan {
  char file[256];
  void *address;
  size_t length;
};

// Chooses and writes: what one rank of the node does for all.
static inline struct plan share(hwloc_topology_t topology, const char *folder) {
  struct plan plan;
  memset(&plan, 0, sizeof plan);
  if (hwloc_shmem_topology_get_length(topology, &plan.length, 0)) die("get_length");
  plan.address = hole(plan.length);
  snprintf(plan.file, sizeof plan.file, "%s/topology", folder);
  int fd = open(plan.file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) die(plan.file);
  errno = posix_fallocate(fd, 0, (off_t)plan.length);
  if (errno) die("posix_fallocate");
  if (hwloc_shmem_topology_write(topology, fd, 0, plan.address, plan.length, 0)) die("write");
  close(fd);
  return plan;
}

// NULL where the range is taken.
static inline hwloc_topology_t adopt(const struct plan *plan) {
  hwloc_topology_t topology;
  int fd = open(plan->file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) die(plan->file);
  int failed = hwloc_shmem_topology_adopt(&topology, fd, 0, plan->address, plan->length, 0);
  close(fd);
  return failed ? NULL : topology;
}

// --- What a rank tells, as the ranks in JavaScript do: see bench/jobs/results.ts. ---

struct result {
  int rank;
  const char *how;
  uint64_t called, got, cpu_ready, cpu_called, cpu_got;
  double adopt;                         // ms
  struct usage before, after, mapping;  // of the process before the join and after it, and of the shared range
};

static inline void tell(const char *folder, const struct result *r) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/rank.%d.json", folder, r->rank);
  FILE *file = fopen(path, "we");
  if (!file) die(path);
  fprintf(file,
          "{\"rank\":%d,\"how\":\"%s\",\"called\":\"%" PRIu64 "\",\"got\":\"%" PRIu64 "\",\"cpuReady\":%" PRIu64
          ",\"cpuJoin\":%" PRIu64 ",\"cpuAll\":%" PRIu64 ",\"phases\":{\"adopt\":%.6f}"
          ",\"memory\":{\"before\":%ld,\"grown\":%ld,\"mappingPss\":%ld,\"mappingPrivate\":%ld}}\n",
          r->rank, r->how, r->called, r->got, r->cpu_ready, r->cpu_got - r->cpu_called, cpu(), r->adopt,
          r->before.private_, r->after.private_ - r->before.private_, r->mapping.pss, r->mapping.private_);
  if (fclose(file)) die(path);
}

#endif
