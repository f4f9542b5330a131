/* One hwloc topology for all ranks of a node: a rank in C, by the pipe protocol of hwloc-share (docs/protocol.md).
 *
 * This file is all there is: C99, no dependency but libhwloc (2.0 or later) and libc; Linux only. In exactly one .c file:
 *
 *     #define HWLOC_SHARE_IMPLEMENTATION
 *     #include "hwloc-share.h"               // before any other header, or compile with -D_GNU_SOURCE
 *
 * and in the others just the include. Link with -lhwloc -pthread. Then:
 *
 *     hwloc_share_session session;
 *     if (hwloc_share_join(&session, NULL) != HWLOC_SHARE_SUCCESS)
 *       errx(1, "no topology: %s", session.reason);
 *     int cores = hwloc_get_nbobjs_by_type(session.topology, HWLOC_OBJ_CORE);
 *     hwloc_share_barrier(&session);
 *     hwloc_share_close(&session);
 *
 * Ranks in C share with the ranks in other languages of the same job. Any of them may be the leader.
 */
#ifndef HWLOC_SHARE_H
#define HWLOC_SHARE_H

#if defined(HWLOC_SHARE_IMPLEMENTATION) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif

#include <hwloc.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the functions return. Below 0: a failure. */
enum hwloc_share_code {
  HWLOC_SHARE_SUCCESS = 0,
  /** hwloc_share_barrier() only: passed, but without the others. The leader has gone, or this rank never met it. */
  HWLOC_SHARE_ALONE = 1,
  /** The topology could not be shared, and `strict` rules out a private copy. */
  HWLOC_SHARE_ENOTSHARED = -1,
  /** No topology at all: libhwloc could not discover this machine. */
  HWLOC_SHARE_ENOTOPOLOGY = -2,
  /** A bad argument, or a session that is not open. */
  HWLOC_SHARE_EINVAL = -3
};

/** How a rank got its topology. */
enum hwloc_share_how {
  /** Mapped, the same pages as in the other ranks. Read-only: see hwloc/shmem.h. */
  HWLOC_SHARE_ADOPTED,
  /** A private copy, loaded from the leader's XML. */
  HWLOC_SHARE_XML,
  /** A private one, from a discovery of its own. */
  HWLOC_SHARE_DISCOVERED
};

/** What is asked of a join; all zero is the default, as is NULL in place of it. */
typedef struct hwloc_share_options {
  /** Seconds to wait for ranks that do not come, up to 86,400. 0: HWLOC_SHARE_TIMEOUT, else 30. */
  double timeout;
  /** 1: fail rather than use a private topology. -1: do not. 0: as HWLOC_SHARE_STRICT says. */
  int strict;
} hwloc_share_options;

/** What a rank got. To be read only. */
typedef struct hwloc_share_session {
  /** Valid until hwloc_share_close(), which destroys it. */
  hwloc_topology_t topology;
  enum hwloc_share_how how;
  /** Why it is not HWLOC_SHARE_ADOPTED, or why hwloc_share_join() failed. Empty if all went well. */
  char reason[512];
  /** The number of this process in the job, and the count of all; 0 of 1 where no launcher is known. -1: the launcher does not tell. */
  int rank, size;
  /** The same on this node. Local rank 0 is the leader: it discovers, the others adopt. */
  int local_rank, local_size;
  /** The name of this node. */
  char node[256];
  /** Where the topology is mapped, and how many bytes; NULL and 0 unless it is HWLOC_SHARE_ADOPTED. */
  void *address;
  size_t length;
  /** Whether this process discovered the machine itself. */
  int did_discover;
  /**
   * The CPUs and NUMA nodes that the cgroup of this process allows, for hwloc_bitmap_list_sscanf(); empty where that cannot be
   * told. What hwloc_topology_get_allowed_cpuset() says is the leader's, which may be another.
   */
  char allowed_cpus[1024], allowed_mems[1024];
} hwloc_share_session;

/**
 * Joins the other ranks of this node, and gets the topology that they share.
 *
 * To be called by every rank of the job, by one thread at a time. Blocks until the other ranks of the node have come, or the timeout
 * is over. Whatever goes wrong, the rank gets a correct topology, if need be one of its own, and one line on stderr says why. A
 * second call in the same process gets the same topology, and needs a hwloc_share_close() of its own.
 *
 * Sets HWLOC_SHARE_JOINED in the environment, so that no child process takes itself for this rank.
 *
 * \return HWLOC_SHARE_SUCCESS; HWLOC_SHARE_ENOTSHARED, if strict; HWLOC_SHARE_ENOTOPOLOGY; HWLOC_SHARE_EINVAL. After a failure there is
 * nothing to be closed, and `session->reason` tells more.
 */
int hwloc_share_join(hwloc_share_session *session, const hwloc_share_options *options);

/**
 * Waits until all ranks of this node that have joined are here. One that dies is not waited for; there is no timeout.
 *
 * \return HWLOC_SHARE_SUCCESS, HWLOC_SHARE_ALONE or HWLOC_SHARE_EINVAL.
 */
int hwloc_share_barrier(hwloc_share_session *session);

/**
 * Destroys the topology and leaves the job. Waits for nobody; the other ranks keep theirs.
 *
 * \return HWLOC_SHARE_SUCCESS or HWLOC_SHARE_EINVAL.
 */
int hwloc_share_close(hwloc_share_session *session);

/** The text of an `enum hwloc_share_code`. */
const char *hwloc_share_strerror(int code);

#ifdef __cplusplus
}
#endif

/* ==================================================================================================================== */

#ifdef HWLOC_SHARE_IMPLEMENTATION

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hwloc/shmem.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#if !defined(O_CLOEXEC) || !defined(MAP_NORESERVE)
#error "include hwloc-share.h before any other header, or compile with -D_GNU_SOURCE"
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#if HWLOC_API_VERSION >= 0x00020100
#define HWS_DISALLOWED HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED
#else
#define HWS_DISALLOWED HWLOC_TOPOLOGY_FLAG_WHOLE_SYSTEM
#endif
#if HWLOC_API_VERSION >= 0x00030000
#define HWS_XML_FLAGS HWLOC_TOPOLOGY_EXPORT_XML_FLAG_V2 /* hwloc 2 cannot read the format of hwloc 3; hwloc 3 reads both */
#else
#define HWS_XML_FLAGS 0
#endif
/* Since hwloc 2.3. Weak, because a program may run with an older libhwloc, or a newer one, than it was compiled with. */
extern int hwloc_topology_refresh(hwloc_topology_t topology) __attribute__((weak));

#define HWS_VERSION 1
#define HWS_LINE 8192         /* bytes of the longest line, its newline included */
#define HWS_MOST_RANGES 65536 /* of one member */
#define HWS_PLANS 5           /* after so many, whoever still finds its range taken goes without */
#define HWS_LOOK 0.25         /* seconds between two looks at what no pipe tells */
#define HWS_LOOKS 2           /* so many looks say that a rank is not there: one may fall between a fork and an exec */
#define HWS_PATIENT_LOOKS 8   /* so many say that one which lives does not open the pipes that it has made */
#define HWS_SPARE_FILES 64 /* a discovery that runs out of descriptors finds less than there is, and does not say so */
#define HWS_ROOTS 4        /* places for a channel */
#define HWS_NAME 128       /* bytes of a name in a channel, or of a channel */
#define HWS_ROOT (PATH_MAX + 64)
#define HWS_PATH (HWS_ROOT + 2 * HWS_NAME)

/* ---- The state of this process, of which there is one ---- */

/** A process: its pid, and when it started, since pids are used again. */
struct hws_process {
  int pid, parent, is_dead;
  uint64_t start;
  char command[32];
};

/** Addresses, the end exclusive. */
struct hws_range {
  uint64_t start, end;
};

struct hws_ranges {
  struct hws_range *list;
  size_t count, size;
};

/** A text that grows. When there is no memory, it has failed, and nothing more is added. */
struct hws_text {
  char *data;
  size_t used, size;
  int has_failed;
};

/** What was read from a pipe and is not taken up yet. */
struct hws_reader {
  char buffer[HWS_LINE];
  size_t used;
};

struct hws_plan {
  unsigned generation;
  char file[HWS_PATH];
  uint64_t offset, address, length, abi;
};

/** Who a process is in its job. */
struct hws_identity {
  const char *launcher;                   /* NULL: none started this process */
  int rank, size, local_rank, local_size; /* -1: the launcher does not tell */
  char node[256];
  char step[1024]; /* empty: nothing names the job step, or no launcher is known */
};

/** What is known of the processes of a local rank, from the process table. */
struct hws_sighting {
  int was_seen, missed; /* in how many looks, one after another, there was none */
};

/** Where a member stands, as its leader sees it. The order counts. */
enum hws_stage {
  HWS_HELLO,    /* announced; its hello must come */
  HWS_RANGES,   /* its ranges and `end` must come */
  HWS_READY,    /* waits for a plan */
  HWS_PLANNED,  /* must answer to the plan */
  HWS_BUSY,     /* has said busy; its ranges and `end` must come */
  HWS_REPLAN,   /* waits for another plan */
  HWS_RESERVED, /* waits for the release */
  HWS_RELEASED, /* its `done` or `failed` must come */
  HWS_DECLINED, /* cannot adopt, and waits for the ladder */
  HWS_LADDER,   /* was sent to the ladder; its `done` must come */
  HWS_DONE,     /* has a topology */
  HWS_GONE      /* dead, refused or dropped */
};

struct hws_member {
  int rank, local, up, down;
  enum hws_stage stage;
  int is_dropped; /* gone because it was silent: it may come again, as a late joiner */
  struct hws_reader reader;
  struct hws_ranges ranges;
  char cpus[1024], mems[1024]; /* empty: not told */
  char reason[256];            /* why it declined or failed */
  uint64_t barrier;
};

/** A member for which there are no descriptors left. */
struct hws_away {
  int local;
  char pipe[72];
};

struct hws_state {
  int references;
  hwloc_share_session session;
  struct hws_identity identity;
  pid_t pid;
  double timeout;
  int is_strict, is_verbose;
  uint64_t abi;
  char key[2048], root[HWS_ROOT], name[HWS_NAME]; /* the channel is root/name */
  int channel;                                    /* its directory, -1 if there is none */
  void *reserved;                                 /* a range that is kept free, NULL if there is none */
  size_t reserved_length;
  struct hws_sighting *sightings; /* by local rank */
  double next_sighting;
  uint64_t barrier;
  const char *alone; /* why its barriers are passed alone; NULL if they are not */
  int has_said_alone;

  /* A member. */
  int up, down;
  struct hws_reader reader;
  struct hws_text outgoing;
  size_t sent;

  /* The leader. */
  int leads, owns_channel, lobby, pulse;
  struct hws_reader lobby_reader;
  int nonsense, is_skipping; /* announcements that were none; and whether the rest of one is still to come */
  struct hws_member **members;
  size_t member_count, room;
  char *has_ended; /* by local rank: it ended before it announced itself, or was refused */
  struct hws_away *away;
  size_t away_count;
  char store[HWS_ROOT]; /* the root in which the topology's file is, if not in the channel; else empty */
};

static struct hws_state *hws_state;

/** One line on stderr: who, what, why. */
static void hws_say(const struct hws_state *state, const char *format, ...) {
  char text[1024], line[1400];
  va_list words;
  size_t i;
  va_start(words, format);
  vsnprintf(text, sizeof text, format, words);
  va_end(words);
  for (i = 0; text[i] != '\0'; i++)
    if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
      text[i] = '?'; /* others may have said it */
  snprintf(line, sizeof line, "hwloc-share: node %s, rank %d: %s\n", state->session.node, state->session.rank, text);
  if (write(STDERR_FILENO, line, strlen(line)) == -1)
    return; /* a closed or full stderr is no reason to fail a job */
}

/** Notes why this rank cannot share. Always -1. */
static int hws_fail(struct hws_state *state, const char *format, ...) {
  va_list words;
  va_start(words, format);
  vsnprintf(state->session.reason, sizeof state->session.reason, format, words);
  va_end(words);
  return -1;
}

static double hws_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void hws_close(int *fd) {
  if (*fd != -1)
    close(*fd);
  *fd = -1;
}

/** A setting; NULL if it is not set, or empty. */
static const char *hws_setting(const char *name) {
  const char *value = getenv(name);
  char passed[80];
  /* To other nodes, Open MPI passes the wrapper's variables on with OMPI_ in front. */
  snprintf(passed, sizeof passed, "OMPI_%s", name);
  if (value == NULL)
    value = getenv(passed);
  return value == NULL || *value == '\0' ? NULL : value;
}

static int hws_is_on(const char *name) {
  const char *value = hws_setting(name);
  return value != NULL && strcmp(value, "0") != 0 && strcasecmp(value, "no") != 0 && strcasecmp(value, "false") != 0 &&
         strcasecmp(value, "off") != 0;
}

/* ---- Texts and numbers ---- */

static void hws_add(struct hws_text *text, const char *format, ...) {
  while (!text->has_failed) {
    size_t room = text->size - text->used;
    va_list words;
    char *data;
    int needed;
    va_start(words, format);
    needed = vsnprintf(room == 0 ? NULL : text->data + text->used, room, format, words);
    va_end(words);
    if (needed >= 0 && (size_t)needed < room) {
      text->used += (size_t)needed;
      return;
    }
    data = needed < 0 ? NULL : realloc(text->data, text->size * 2 + (size_t)needed + 256);
    if (data == NULL) {
      text->has_failed = 1;
      return;
    }
    text->size = text->size * 2 + (size_t)needed + 256;
    text->data = data;
  }
}

/** A word of a message. What is not printable ASCII, and `%`, is written as `%XX`. */
static void hws_add_word(struct hws_text *text, const char *key, const char *value) {
  hws_add(text, " %s=", key);
  for (; *value != '\0'; value++) {
    int is_plain = *value > ' ' && *value <= '~' && *value != '%';
    hws_add(text, is_plain ? "%c" : "%%%02x", (int)(unsigned char)*value);
  }
}

/** A whole word as a number; 0 if it is none. */
static int hws_number(const char *word, int base, uint64_t *value) {
  const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
  if (word == NULL || *word == '\0' || strlen(word) > 16 || word[strspn(word, digits)] != '\0')
    return 0;
  *value = strtoull(word, NULL, base);
  return 1;
}

static int hws_count(const char *word, int *value) {
  uint64_t number;
  if (!hws_number(word, 10, &number) || strlen(word) > 10 || number > INT_MAX)
    return 0;
  *value = (int)number;
  return 1;
}

/** Reads the beginning of a regular file, without its last newline. -1 and errno if it cannot be read. */
static int hws_read_small(int at, const char *name, char *text, size_t size) {
  struct stat found;
  size_t used = 0;
  ssize_t got = 0;
  int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd == -1)
    return -1;
  if (fstat(fd, &found) == -1 || !S_ISREG(found.st_mode)) {
    close(fd);
    errno = EPERM;
    return -1;
  }
  while (used < size - 1 && ((got = read(fd, text + used, size - 1 - used)) > 0 || (got == -1 && errno == EINTR)))
    used += got > 0 ? (size_t)got : 0;
  close(fd);
  if (used > 0 && text[used - 1] == '\n')
    used--;
  text[used] = '\0';
  return got == -1 ? -1 : 0;
}

/* ---- Processes ---- */

/** -1 if there is no such process. */
static int hws_look_at(int pid, struct hws_process *process) {
  char path[64], text[1024], *command, *fields;
  char state;
  unsigned long long start;
  int parent;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (hws_read_small(AT_FDCWD, path, text, sizeof text) == -1)
    return -1;
  /* The command stands in parentheses, and may hold any character, parentheses and spaces included. */
  command = strchr(text, '(');
  fields = strrchr(text, ')');
  if (command == NULL || fields == NULL ||
      sscanf(fields + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state,
             &parent, &start) != 3)
    return -1;
  *fields = '\0';
  process->pid = pid;
  process->parent = parent;
  process->start = start;
  process->is_dead = state == 'Z' || state == 'X';
  snprintf(process->command, sizeof process->command, "%.31s", command + 1);
  return 0;
}

/** What the PID namespace of this process is called. */
static void hws_namespace(char name[64]) {
  ssize_t length = readlink("/proc/self/ns/pid", name, 63);
  name[length < 0 ? 0 : length] = '\0';
}

/** The line of a `keeper` or `leader` file. */
static void hws_process_line(const struct hws_process *process, char line[160]) {
  char namespace[64];
  hws_namespace(namespace);
  snprintf(line, 160, "pid=%d start=%llu namespace=%s\n", process->pid, (unsigned long long)process->start, namespace);
}

/** Whether the process of such a line is dead for certain: a pid of another namespace tells nothing here. */
static int hws_is_dead(const char *line) {
  struct hws_process process;
  char own[64], namespace[64];
  unsigned long long start;
  int pid;
  hws_namespace(own);
  return sscanf(line, "pid=%d start=%llu namespace=%63s", &pid, &start, namespace) == 3 &&
         strcmp(namespace, own) == 0 && (hws_look_at(pid, &process) == -1 || process.start != start || process.is_dead);
}

/* ---- Who am I ---- */

/** The variables of a process, as it was started with them: one block to be freed, or NULL. */
static char **hws_environment_of(int pid) {
  enum { most = 1 << 18 };
  char path[64], *text, **entries;
  size_t count = 0, used = 0, i;
  ssize_t got = 0;
  int fd;
  snprintf(path, sizeof path, "/proc/%d/environ", pid);
  fd = open(path, O_RDONLY | O_CLOEXEC);
  text = fd == -1 ? NULL : malloc(most);
  while (text != NULL && used < most - 1 && (got = read(fd, text + used, most - 1 - used)) > 0)
    used += (size_t)got;
  hws_close(&fd);
  for (i = 0; i < used; i++)
    count += text[i] == '\0';
  entries = text == NULL || got == -1 ? NULL : malloc((count + 2) * sizeof *entries + used + 1);
  if (entries != NULL) {
    char *copy = (char *)(entries + count + 2);
    memcpy(copy, text, used);
    copy[used] = '\0';
    for (i = 0, count = 0; i < used; i += strlen(copy + i) + 1)
      entries[count++] = copy + i;
    entries[count] = NULL;
  }
  free(text);
  return entries;
}

/**
 * How a launcher tells a rank who it is. Of names with a `|` between them, the first that is set counts. A `?` in front: not every
 * version sets it. NULL: the launcher does not tell.
 */
struct hws_launcher {
  const char *name;
  const char *variables[4]; /* it is this one if these are set */
  const char *rank, *size, *local_rank, *local_size;
  const char *id;           /* what names the step; where that is not set, the launcher's process above the rank does */
  const char *processes[8]; /* how the commands begin of its processes that stand above a rank */
};

/** In the order of docs/protocol.md. test/launcher/kinds/environments.json has what each of them sets. */
static const struct hws_launcher hws_launchers[] = {
    {.name = "local",
     .variables = {"HWLOC_SHARE_RANK"},
     .rank = "HWLOC_SHARE_RANK",
     .size = "HWLOC_SHARE_SIZE",
     .local_rank = "HWLOC_SHARE_LOCAL_RANK",
     .local_size = "HWLOC_SHARE_LOCAL_SIZE"},
    {.name = "torchrun",
     .variables = {"TORCHELASTIC_RUN_ID", "LOCAL_RANK"},
     .rank = "RANK",
     .size = "WORLD_SIZE",
     .local_rank = "LOCAL_RANK",
     .local_size = "LOCAL_WORLD_SIZE",
     .id = "TORCHELASTIC_RUN_ID"},
    {.name = "flux",
     .variables = {"FLUX_TASK_RANK", "FLUX_TASK_LOCAL_ID"},
     .rank = "FLUX_TASK_RANK",
     .size = "FLUX_JOB_SIZE",
     .local_rank = "FLUX_TASK_LOCAL_ID",
     .local_size = "FLUX_JOB_SIZE", /* if FLUX_JOB_NNODES is 1 */
     .id = "FLUX_JOB_ID",
     .processes = {"flux-shell"}},
    {.name = "jsm",
     .variables = {"JSM_NAMESPACE_RANK"},
     .rank = "JSM_NAMESPACE_RANK",
     .size = "JSM_NAMESPACE_SIZE",
     .local_rank = "JSM_NAMESPACE_LOCAL_RANK",
     .local_size = "JSM_NAMESPACE_LOCAL_SIZE",
     .id = "?PMIX_NAMESPACE",
     .processes = {"jsmd"}},
    {.name = "openmpi",
     .variables = {"OMPI_COMM_WORLD_RANK"},
     .rank = "OMPI_COMM_WORLD_RANK",
     .size = "OMPI_COMM_WORLD_SIZE",
     .local_rank = "OMPI_COMM_WORLD_LOCAL_RANK",
     .local_size = "OMPI_COMM_WORLD_LOCAL_SIZE",
     .id = "?PMIX_NAMESPACE|OMPI_MCA_ess_base_jobid",
     .processes = {"orted", "orterun", "prte", "mpirun", "mpiexec"}},
    {.name = "pals",
     .variables = {"PALS_RANKID", "PALS_LOCAL_RANKID"},
     .rank = "PALS_RANKID",
     .size = "?PMI_SIZE",
     .local_rank = "PALS_LOCAL_RANKID",
     .local_size = "?PALS_LOCAL_SIZE|PMI_LOCAL_SIZE",
     .id = "PALS_APID",
     .processes = {"palsd"}},
    {.name = "intelmpi",
     .variables = {"I_MPI_MPIRUN|I_MPI_HYDRA_TOPOLIB", "PMI_RANK|PMI_ID", "MPI_LOCALRANKID"},
     .rank = "PMI_RANK|PMI_ID",
     .size = "?PMI_SIZE",
     .local_rank = "MPI_LOCALRANKID",
     .local_size = "MPI_LOCALNRANKS",
     .processes = {"hydra_pmi_proxy", "pmi_proxy"}},
    {.name = "mpich",
     .variables = {"PMI_RANK|PMI_ID", "MPI_LOCALRANKID"},
     .rank = "PMI_RANK|PMI_ID",
     .size = "?PMI_SIZE",
     .local_rank = "MPI_LOCALRANKID",
     .local_size = "MPI_LOCALNRANKS",
     .processes = {"hydra_pmi_proxy", "pmi_proxy"}},
    {.name = "mvapich2",
     .variables = {"MV2_COMM_WORLD_RANK"},
     .rank = "MV2_COMM_WORLD_RANK",
     .size = "MV2_COMM_WORLD_SIZE",
     .local_rank = "MV2_COMM_WORLD_LOCAL_RANK",
     .local_size = "MV2_COMM_WORLD_LOCAL_SIZE",
     .processes = {"mpispawn"}},
    {.name = "alps",
     .variables = {"ALPS_APP_PE"},
     .rank = "ALPS_APP_PE",
     .id = "ALPS_APP_ID",
     .processes = {"apinit", "apshepherd"}},
    {.name = "slurm",
     .variables = {"SLURM_PROCID", "SLURM_STEP_TASKS_PER_NODE"},
     .rank = "SLURM_PROCID",
     .size = "SLURM_STEP_NUM_TASKS",
     .local_rank = "SLURM_LOCALID",
     .local_size = "SLURM_STEP_TASKS_PER_NODE", /* the item of node SLURM_NODEID */
     .id = "SLURM_JOB_ID",                      /* and SLURM_STEP_ID */
     .processes = {"slurmstepd"}},
    {.name = "pmix",
     .variables = {"PMIX_RANK", "PMIX_NAMESPACE"},
     .rank = "PMIX_RANK",
     .id = "PMIX_NAMESPACE",
     .processes = {"prte", "prun"}},
};
enum { HWS_LAUNCHERS = sizeof hws_launchers / sizeof *hws_launchers };

static int hws_is_launcher(const struct hws_launcher *launcher, const char *name) {
  return strcmp(launcher->name, name) == 0;
}

/** The value of the first of these names that is set, and NULL if none is. */
static const char *hws_variable(char *const *environment, const char *names) {
  names += names != NULL && *names == '?';
  while (names != NULL && environment != NULL) {
    size_t length = strcspn(names, "|");
    char *const *entry;
    for (entry = environment; *entry != NULL; entry++)
      if (strncmp(*entry, names, length) == 0 && (*entry)[length] == '=')
        return *entry + length + 1;
    names = names[length] == '|' ? names + length + 1 : NULL;
  }
  return NULL;
}

/** Whether two processes have the same variable, or neither has it; for each of these names. */
static int hws_is_same(char *const *environment, char *const *other, const char *names) {
  char name[64];
  int is_same = 1;
  for (; is_same && names != NULL; names = strchr(names, '|') == NULL ? NULL : strchr(names, '|') + 1) {
    const char *here, *there;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(names, "|"), names);
    here = hws_variable(environment, name);
    there = hws_variable(other, name);
    is_same = here == NULL || there == NULL ? here == there : strcmp(here, there) == 0;
  }
  return is_same;
}

/** Whether the variables of a launcher are there; and are its own, not set by another for the sake of some MPI. */
static int hws_is_set_in(const struct hws_launcher *launcher, char *const *environment) {
  const char *rank = hws_variable(environment, "PMIX_RANK"), *other = hws_variable(environment, "OMPI_COMM_WORLD_RANK");
  int i;
  for (i = 0; launcher->variables[i] != NULL; i++)
    if (hws_variable(environment, launcher->variables[i]) == NULL)
      return 0;
  if (hws_is_launcher(launcher, "pals"))
    return hws_variable(environment, "SLURM_PROCID") == NULL;
  if (hws_is_launcher(launcher, "mpich"))
    return hws_variable(environment, "I_MPI_MPIRUN|I_MPI_HYDRA_TOPOLIB") == NULL;
  return !hws_is_launcher(launcher, "pmix") || other == NULL || strcmp(rank, other) != 0;
}

/** Whether a process has one of a launcher's names. */
static int hws_is_process_of(const struct hws_launcher *launcher, const struct hws_process *process) {
  int i;
  for (i = 0; launcher->processes[i] != NULL; i++)
    if (strncmp(process->command, launcher->processes[i], strlen(launcher->processes[i])) == 0)
      return 1;
  return 0;
}

/** Whether a process was started without the variables of a launcher, or with others: it has given them to its children. */
static int hws_has_set(const struct hws_launcher *launcher, char *const *environment, char *const *theirs) {
  int i;
  for (i = 0; launcher->variables[i] != NULL; i++)
    if (!hws_is_same(environment, theirs, launcher->variables[i]))
      return 1;
  return 0;
}

/** Of several launchers whose variables a process has, the one whose process is nearest above it; the first if none is to be seen. */
static const struct hws_launcher *hws_innermost(const struct hws_launcher *const *launchers, int count,
                                                char *const *environment, int parent) {
  struct hws_process process;
  int height, i;
  for (height = 0; height < 32 && parent > 1 && hws_look_at(parent, &process) == 0; height++) {
    const struct hws_launcher *named = NULL, *set = NULL, *both = NULL;
    int names = 0;
    char **theirs;
    for (i = count - 1; i >= 0; i--)
      if (hws_is_process_of(launchers[i], &process)) {
        named = launchers[i];
        names++;
      }
    if (names == 1)
      return named;
    theirs = hws_environment_of(parent);
    for (i = count - 1; theirs != NULL && i >= 0; i--)
      if (hws_has_set(launchers[i], environment, theirs)) {
        set = launchers[i];
        if (hws_is_process_of(set, &process))
          both = set;
      }
    free(theirs);
    if (both != NULL || named != NULL || set != NULL)
      return both != NULL ? both : named != NULL ? named : set;
    parent = process.parent;
  }
  return launchers[0];
}

/** Which launcher started the process that has these variables, and this parent; NULL if none did. */
static const struct hws_launcher *hws_launcher_in(char *const *environment, int parent) {
  const struct hws_launcher *found[HWS_LAUNCHERS];
  int i, count = 0;
  for (i = 0; i < HWS_LAUNCHERS; i++)
    if (hws_is_set_in(&hws_launchers[i], environment))
      found[count++] = &hws_launchers[i];
  return count == 0 ? NULL : count == 1 ? found[0] : hws_innermost(found, count, environment, parent);
}

/** The launcher's process above this rank. -1 if there is none to be seen. */
static int hws_daemon_seen(const struct hws_launcher *launcher, struct hws_process *found) {
  const char *setting = hws_is_launcher(launcher, "local") ? hws_setting("HWLOC_SHARE_KEEPER") : NULL;
  int each = (int)getppid(), height, keeper = 0;
  if (setting != NULL)
    hws_count(setting, &keeper);
  for (height = 0; height < 32 && each > 1 && hws_look_at(each, found) == 0; height++) {
    char **theirs = hws_is_launcher(launcher, "torchrun") ? hws_environment_of(each) : NULL;
    int is_agent = theirs != NULL && hws_variable(theirs, "TORCHELASTIC_RUN_ID") == NULL;
    free(theirs);
    if (is_agent || each == keeper || hws_is_process_of(launcher, found))
      return 0;
    each = found->parent;
  }
  return -1;
}

/** The same, or its parent where it is not to be seen. -1 if not even that one is. */
static int hws_daemon(const struct hws_launcher *launcher, struct hws_process *found) {
  return hws_daemon_seen(launcher, found) == 0 ? 0 : hws_look_at((int)getppid(), found);
}

/** The process whose end means that the job has ended on this node; this one if no other is to be seen. */
static int hws_keeper(struct hws_process *keeper) {
  const struct hws_launcher *launcher = hws_launcher_in(environ, (int)getppid());
  return launcher != NULL && hws_daemon(launcher, keeper) == 0 ? 0 : hws_look_at((int)getpid(), keeper);
}

/** A number that a launcher tells; -1 if it does not. 0 if there is none where it must be. */
static int hws_told(char *const *environment, const char *names, int *value) {
  const char *word = hws_variable(environment, names);
  *value = -1;
  return names == NULL || (word == NULL && *names == '?') || hws_count(word, value);
}

/** Reads 1 to 9 digits. */
static int hws_take_digits(const char **at, int *value) {
  size_t length = strspn(*at, "0123456789");
  *value = atoi(*at);
  *at += length;
  return length >= 1 && length <= 9;
}

/** Item `number` of a list such as `2(x3),1`, which stands for 2,2,2,1. */
static int hws_tasks_on_node(const char *list, int number, int *tasks) {
  for (;; list++) {
    int times = 1;
    if (!hws_take_digits(&list, tasks))
      return 0;
    if (strncmp(list, "(x", 2) == 0) {
      list += 2;
      if (!hws_take_digits(&list, &times) || *list++ != ')')
        return 0;
    }
    if (*list != ',' && *list != '\0')
      return 0;
    if (number < times)
      return 1;
    number -= times;
    if (*list == '\0')
      return 0;
  }
}

/**
 * The name of the job step on this node; empty where the launcher has none, and its process, which would do, cannot be seen from this
 * container. 0 if a variable is missing that names it.
 */
static int hws_name_step(const struct hws_launcher *launcher, char *const *environment, struct hws_identity *me) {
  const char *id = hws_variable(environment, launcher->id), *more, *setting;
  struct hws_process daemon;
  char namespace[64];
  int is_seen;
  if (launcher->id != NULL && *launcher->id != '?' && (id == NULL || *id == '\0'))
    return 0;
  if (hws_is_launcher(launcher, "local")) {
    snprintf(me->step, sizeof me->step, "local@%s", me->node);
    return 1;
  }
  if (hws_is_launcher(launcher, "slurm")) {
    more = hws_variable(environment, "SLURM_STEP_ID");
    snprintf(me->step, sizeof me->step, "slurm-%.300s.%.300s@%s", id, more == NULL ? "" : more, me->node);
    return more != NULL && *more != '\0';
  }
  if (hws_is_launcher(launcher, "flux")) {
    /* What tells the brokers of one host apart, and instances: the folder of the broker is in both. */
    more = hws_variable(environment, "FLUX_JOB_TMPDIR|FLUX_URI");
    snprintf(me->step, sizeof me->step, "flux-%.300s%s%.400s@%s", id, more == NULL ? "" : "-", more == NULL ? "" : more,
             me->node);
    return 1;
  }
  if (id != NULL && !hws_is_launcher(launcher, "torchrun")) {
    snprintf(me->step, sizeof me->step, "%s-%.600s@%s", launcher->name, id, me->node);
    return 1;
  }
  is_seen = hws_daemon_seen(launcher, &daemon) == 0;
  if (!is_seen && hws_look_at((int)getppid(), &daemon) == -1)
    memset(&daemon, 0, sizeof daemon);
  if (hws_is_launcher(launcher, "torchrun")) {
    more = hws_variable(environment, "TORCHELASTIC_RESTART_COUNT");
    snprintf(me->step, sizeof me->step, "torchrun-%.300s.%.300s-%d-%llu@%s", id, more == NULL ? "0" : more, daemon.pid,
             (unsigned long long)daemon.start, me->node);
    return 1;
  }
  if (hws_is_launcher(launcher, "openmpi")) {
    snprintf(me->step, sizeof me->step, "openmpi-%d@%s", daemon.pid, me->node);
    return 1;
  }
  hws_namespace(namespace);
  if (is_seen || strcmp(namespace, "pid:[4026531836]") == 0) {
    snprintf(me->step, sizeof me->step, "%s-%d-%llu@%s", launcher->name, daemon.pid, (unsigned long long)daemon.start,
             me->node);
    return 1;
  }
  /* A container hides it. The wrapper's name for the job will do, if it was this launcher that the wrapper started. */
  setting = hws_variable(environment, "HWLOC_SHARE_LAUNCHER|OMPI_HWLOC_SHARE_LAUNCHER");
  if (hws_variable(environment, "HWLOC_SHARE_JOB|OMPI_HWLOC_SHARE_JOB") != NULL && setting != NULL && strcmp(setting, launcher->name) == 0)
    snprintf(me->step, sizeof me->step, "%s@%s", launcher->name, me->node);
  return 1;
}

/**
 * Who the process is that has these variables and this parent: this one, or another that the same launcher's process started.
 *
 * Numbers that the launcher does not tell are -1. Returns NULL, or what is wrong with the variables: then the process is 0 of 1.
 */
static const char *hws_identify(char *const *environment, int parent, struct hws_identity *me) {
  static const char *const wrong = "the variables of its launcher are not as they should be; this process takes itself to be alone";
  const struct hws_launcher *launcher = hws_launcher_in(environment, parent);
  const char *node = NULL;
  struct hws_identity found;
  int number = 1, is_told;

  memset(me, 0, sizeof *me);
  me->size = me->local_size = 1;
  gethostname(me->node, sizeof me->node - 1);
  if (launcher == NULL)
    return NULL;

  found = *me;
  found.launcher = launcher->name;
  if (hws_is_launcher(launcher, "slurm"))
    node = hws_variable(environment, "SLURMD_NODENAME");
  if (hws_is_launcher(launcher, "openmpi") || hws_is_launcher(launcher, "pmix"))
    node = hws_variable(environment, "PMIX_HOSTNAME");
  if (node != NULL)
    snprintf(found.node, sizeof found.node, "%s", node);
  is_told = hws_told(environment, launcher->rank, &found.rank) && hws_told(environment, launcher->size, &found.size) &&
            hws_told(environment, launcher->local_rank, &found.local_rank);
  if (hws_is_launcher(launcher, "slurm"))
    is_told = is_told && hws_told(environment, "SLURM_NODEID", &number) &&
              hws_tasks_on_node(hws_variable(environment, launcher->local_size), number, &found.local_size);
  else
    is_told = is_told && hws_told(environment, launcher->local_size, &found.local_size);
  /* How many of its tasks are on each of several nodes, Flux says to nobody. */
  if (hws_is_launcher(launcher, "flux")) {
    is_told = is_told && hws_told(environment, "FLUX_JOB_NNODES", &number);
    found.local_size = number == 1 ? found.local_size : -1;
  }
  if (!is_told || !hws_name_step(launcher, environment, &found) ||
      (found.local_size != -1 && found.local_rank >= found.local_size))
    return wrong;
  *me = found;
  return NULL;
}

/** Looks in the process table for living processes of each local rank. */
static void hws_look_for_ranks(struct hws_state *state) {
  const char *job = hws_setting("HWLOC_SHARE_JOB");
  double start = hws_now();
  char *seen = start < state->next_sighting ? NULL : calloc((size_t)state->session.local_size, 1);
  DIR *directory = seen == NULL ? NULL : opendir("/proc");
  struct dirent *entry;
  int local, pid;
  while (directory != NULL && (entry = readdir(directory)) != NULL) {
    struct hws_identity who;
    char **environment = NULL;
    const char *theirs;
    struct hws_process process;
    if (hws_count(entry->d_name, &pid) && pid != (int)getpid() && hws_look_at(pid, &process) == 0)
      environment = hws_environment_of(pid);
    if (environment == NULL)
      continue;
    theirs = hws_variable(environment, "HWLOC_SHARE_JOB|OMPI_HWLOC_SHARE_JOB");
    if (strcmp(theirs == NULL ? "" : theirs, job == NULL ? "" : job) == 0 && hws_identify(environment, process.parent, &who) == NULL &&
        strcmp(who.step, state->identity.step) == 0 && who.local_rank != -1 &&
        who.local_rank < state->session.local_size)
      seen[who.local_rank] = 1;
    free(environment);
  }
  for (local = 0; directory != NULL && local < state->session.local_size; local++) {
    struct hws_sighting *sighting = &state->sightings[local];
    sighting->was_seen |= seen[local];
    sighting->missed = seen[local] ? 0 : sighting->missed + 1;
  }
  if (directory != NULL) {
    closedir(directory);
    /* On a crowded node this may not take more than a tenth of the time. */
    state->next_sighting = hws_now() + 10 * (hws_now() - start);
  }
  free(seen);
}

/** Whether a local rank was there, and is no more. */
static int hws_has_died(const struct hws_state *state, int local) {
  return state->sightings[local].was_seen && state->sightings[local].missed >= HWS_LOOKS;
}

/** Whether a local rank was never seen, though it would be if it lived: only the first PID namespace sees all processes. */
static int hws_is_nowhere(const struct hws_state *state, int local) {
  char namespace[64];
  hws_namespace(namespace);
  return !state->sightings[local].was_seen && state->sightings[local].missed >= HWS_LOOKS &&
         strcmp(namespace, "pid:[4026531836]") == 0;
}

/* ---- The channel: ROOT/KEY ---- */

/** The UTF-16 units of the character at `*at`, which is moved on; how many. What is not UTF-8 is U+FFFD. */
static int hws_next_units(const char **at, unsigned units[2]) {
  const unsigned char *byte = (const unsigned char *)*at;
  unsigned point = *byte;
  int more = point < 0x80 ? 0 : point < 0xc0 ? -1 : point < 0xe0 ? 1 : point < 0xf0 ? 2 : point < 0xf8 ? 3 : -1, i;
  if (more > 0)
    point &= 0x3fu >> more;
  for (i = 1; i <= more && (byte[i] & 0xc0) == 0x80; i++)
    point = point << 6 | (byte[i] & 0x3fu);
  *at += i;
  if (more == -1 || i <= more)
    point = 0xfffd;
  units[0] = point < 0x10000 ? point : 0xd800 + ((point - 0x10000) >> 10);
  units[1] = 0xdc00 + (point & 0x3ff);
  return point < 0x10000 ? 1 : 2;
}

/** The name of a channel's directory: the key, or what stands for one that is not to be a name. */
static void hws_name_of_key(const char *key, char name[HWS_NAME]) {
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-";
  unsigned hash = 2166136261u, units[2];
  size_t count = 0;
  int is_plain = *key != '.';
  while (*key != '\0') {
    int found = hws_next_units(&key, units), i;
    for (i = 0; i < found; i++, count++) {
      int is_good = units[i] < 0x80 && strchr(plain, (int)units[i]) != NULL;
      is_plain = is_plain && is_good;
      hash = (hash ^ units[i]) * 16777619u;
      if (count < 120)
        name[count] = is_good && (count > 0 || units[i] != '.') ? (char)units[i] : '_';
    }
  }
  if (is_plain && count <= 120)
    name[count] = '\0';
  else
    snprintf(name + (count < 100 ? count : 100), 16, "-%08x", hash);
}

/** What speaks against using what is open: it must be of this type, of this user, and closed to others. NULL if nothing does. */
static const char *hws_refusal(int fd, mode_t type) {
  struct stat found;
  if (fstat(fd, &found) == -1 || (found.st_mode & S_IFMT) != type)
    return "is not of the type that it should be";
  if (found.st_uid != geteuid())
    return "belongs to another user";
  if ((found.st_mode & 077) != 0)
    return "is open to others";
  return type == S_IFREG && found.st_nlink > 1 ? "has another name, too" : NULL;
}

/** Opens what is there. -1 and errno; EPERM if it is not what it should be. */
static int hws_open(int at, const char *name, int flags, mode_t type) {
  int fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd != -1 && hws_refusal(fd, type) != NULL) {
    close(fd);
    errno = EPERM;
    return -1;
  }
  return fd;
}

static int hws_open_directory(int at, const char *name) { return hws_open(at, name, O_RDONLY | O_DIRECTORY, S_IFDIR); }

static int hws_open_fifo(int at, const char *name, int flags) { return hws_open(at, name, flags, S_IFIFO); }

static int hws_is_there(int at, const char *name) {
  struct stat found;
  return fstatat(at, name, &found, AT_SYMLINK_NOFOLLOW) == 0;
}

/** Writes a new file. -1 and errno if it is there, or cannot be written. */
static int hws_write_new(int at, const char *name, const char *text, size_t length) {
  size_t done = 0;
  int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd == -1)
    return -1;
  while (done < length) {
    ssize_t written = write(fd, text + done, length - done);
    if (written == -1 && errno == EINTR)
      continue;
    if (written <= 0) {
      int error = written == 0 ? ENOSPC : errno;
      close(fd);
      unlinkat(at, name, 0);
      errno = error;
      return -1;
    }
    done += (size_t)written;
  }
  close(fd);
  return 0;
}

/** Writes a file in one piece: nobody reads half of it. */
static int hws_publish(int at, const char *name, const char *text) {
  char unfinished[HWS_NAME];
  snprintf(unfinished, sizeof unfinished, "%s.%d", name, (int)getpid());
  return hws_write_new(at, unfinished, text, strlen(text)) == 0 ? renameat(at, unfinished, at, name) : -1;
}

/** A name that nobody else has for a channel that is being built, or removed. */
static void hws_passing_name(char name[HWS_NAME]) {
  static unsigned count;
  char namespace[64], *digits;
  struct hws_process self;
  hws_namespace(namespace);
  digits = namespace + strcspn(namespace, "0123456789");
  digits[strspn(digits, "0123456789")] = '\0';
  if (hws_look_at((int)getpid(), &self) == -1)
    self.start = 0;
  snprintf(name, HWS_NAME, ".passing-%d-%llu-%s-%u", (int)getpid(), (unsigned long long)self.start, digits, ++count);
}

/** Removes a directory of a root, and the files in it. Under another name first, so that nobody finds half of it. */
static void hws_remove(int root, const char *name) {
  char passing[HWS_NAME];
  struct dirent *entry;
  DIR *directory;
  int fd;
  hws_passing_name(passing);
  if (renameat(root, name, root, passing) == -1)
    return;
  fd = hws_open_directory(root, passing);
  directory = fd == -1 ? NULL : fdopendir(fd);
  if (directory == NULL)
    hws_close(&fd);
  while (directory != NULL && (entry = readdir(directory)) != NULL)
    unlinkat(fd, entry->d_name, 0);
  if (directory != NULL)
    closedir(directory);
  unlinkat(root, passing, AT_REMOVEDIR);
}

/** Removes a channel, and its root if nothing else is in it. */
static void hws_remove_channel(const char *root, const char *name) {
  int fd = hws_open_directory(AT_FDCWD, root);
  if (fd == -1)
    return;
  hws_remove(fd, name);
  close(fd);
  rmdir(root);
}

static int hws_has_open(int pid, const struct stat *file) {
  char path[64];
  struct dirent *entry;
  struct stat open;
  DIR *directory;
  int is_open = 0;
  snprintf(path, sizeof path, "/proc/%d/fd", pid);
  directory = opendir(path);
  while (!is_open && directory != NULL && (entry = readdir(directory)) != NULL)
    is_open = fstatat(dirfd(directory), entry->d_name, &open, 0) == 0 && open.st_dev == file->st_dev &&
              open.st_ino == file->st_ino;
  if (directory != NULL)
    closedir(directory);
  return is_open;
}

/** Whether the leader of a channel lives, or a member that it has not let in yet: their launcher may be dead, and they go on. */
static int hws_is_inhabited(int root, const char *name) {
  char line[256];
  struct dirent *entry;
  struct stat pipe;
  int pid, whole, fd = hws_open_directory(root, name);
  int is_inhabited = fd != -1 && hws_read_small(fd, "leader", line, sizeof line) == 0 && !hws_is_dead(line);
  DIR *directory = fd == -1 ? NULL : fdopendir(fd);
  if (directory == NULL)
    hws_close(&fd);
  while (!is_inhabited && directory != NULL && (entry = readdir(directory)) != NULL) {
    whole = 0;
    /* Its maker holds it open as long as it waits. */
    if (sscanf(entry->d_name, "%*d-%d.down%n", &pid, &whole) == 1 && whole > 0 && entry->d_name[whole] == '\0' &&
        fstatat(fd, entry->d_name, &pipe, AT_SYMLINK_NOFOLLOW) == 0)
      is_inhabited = hws_has_open(pid, &pipe);
  }
  if (directory != NULL)
    closedir(directory);
  return is_inhabited;
}

/** Removes what dead jobs left in a root. */
static void hws_sweep(const char *root, const char *except) {
  int fd = hws_open_directory(AT_FDCWD, root);
  DIR *directory = fd == -1 ? NULL : fdopendir(fd);
  struct dirent *entry;
  if (directory == NULL) {
    hws_close(&fd);
    return;
  }
  while ((entry = readdir(directory)) != NULL) {
    char line[256] = "", keeper[NAME_MAX + 16];
    unsigned long long start, namespace;
    int pid, whole = 0;
    if (strcmp(entry->d_name, except) == 0 || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
      continue;
    snprintf(keeper, sizeof keeper, "%s/keeper", entry->d_name);
    if (sscanf(entry->d_name, ".passing-%d-%llu-%llu-%*u%n", &pid, &start, &namespace, &whole) == 3 && whole > 0)
      snprintf(line, sizeof line, "pid=%d start=%llu namespace=pid:[%llu]\n", pid, start, namespace);
    else
      hws_read_small(fd, keeper, line, sizeof line);
    if (hws_is_dead(line) && !hws_is_inhabited(fd, entry->d_name))
      hws_remove(fd, entry->d_name);
  }
  closedir(directory);
  rmdir(root);
}

/** Makes a directory of a root with its `keeper`, and the FIFOs of a channel. -1 and errno; EEXIST if there is one. */
static int hws_build(int root, const char *name, int with_fifos) {
  struct hws_process keeper;
  char passing[HWS_NAME], line[160];
  int error, fd;
  if (hws_keeper(&keeper) == -1) {
    errno = ESRCH;
    return -1;
  }
  hws_process_line(&keeper, line);
  hws_passing_name(passing);
  if (mkdirat(root, passing, 0700) == -1)
    return -1;
  fd = hws_open_directory(root, passing);
  if (fd != -1 && hws_write_new(fd, "keeper", line, strlen(line)) == 0 &&
      (!with_fifos || (mkfifoat(fd, "lobby", 0600) == 0 && mkfifoat(fd, "pulse", 0600) == 0)) &&
      renameat(root, passing, root, name) == 0) {
    close(fd);
    return 0;
  }
  error = errno == ENOTEMPTY || errno == ENOTDIR ? EEXIST : errno;
  hws_close(&fd);
  hws_remove(root, passing);
  errno = error;
  return -1;
}

/** Says so if a place is refused. Always -1; errno stays. */
static int hws_refuse(const struct hws_state *state, const char *root, const char *name) {
  int error = errno;
  if (error == EPERM || error == ELOOP || error == ENOTDIR)
    hws_say(state,
            "%s%s%s is a link, or no directory, or another user's, or open to others; refused: remove it, or set "
            "HWLOC_SHARE_DIR to another directory",
            root, *name == '\0' ? "" : "/", name);
  errno = error;
  return -1;
}

/** Opens root/name, or makes it, and the root, too. A descriptor, or -1 and errno. */
static int hws_open_or_make(struct hws_state *state, const char *root) {
  int tries, at, fd, error;
  /* A job that ends removes the root when it is empty, and may do so between two steps of ours. */
  for (tries = 0; tries < 20; tries++) {
    if (mkdir(root, 0700) == -1 && errno != EEXIST)
      return -1;
    at = hws_open_directory(AT_FDCWD, root);
    if (at == -1 && errno == ENOENT)
      continue;
    if (at == -1)
      return hws_refuse(state, root, "");
    fd = hws_open_directory(at, state->name);
    if (fd == -1 && errno == ENOENT && (hws_build(at, state->name, 1) == 0 || errno == EEXIST || errno == ENOENT)) {
      close(at); /* ours, or that of another rank which was faster */
      continue;
    }
    error = errno;
    close(at);
    if (fd != -1)
      return fd;
    rmdir(root);
    errno = error;
    return hws_refuse(state, root, state->name);
  }
  errno = ENOENT;
  return -1;
}

/** Number `i` of the roots, in the order of preference; empty if it is none. 0 if there are no more. */
static int hws_root(int i, char root[HWS_ROOT]) {
  const char *bases[HWS_ROOTS], *runtime = hws_setting("TMPDIR");
  bases[0] = hws_setting("HWLOC_SHARE_DIR");
  bases[1] = "/dev/shm";
  bases[2] = hws_setting("XDG_RUNTIME_DIR");
  bases[3] = runtime == NULL ? "/tmp" : runtime;
  *root = '\0';
  if (i >= HWS_ROOTS)
    return 0;
  if (bases[i] != NULL && *bases[i] == '/' && strlen(bases[i]) < PATH_MAX)
    snprintf(root, HWS_ROOT, "%.*s/hwloc-share-%lu", PATH_MAX, bases[i], (unsigned long)geteuid());
  else if (bases[i] != NULL) {
    char absolute[PATH_MAX];
    if (realpath(bases[i], absolute) != NULL)
      snprintf(root, HWS_ROOT, "%s/hwloc-share-%lu", absolute, (unsigned long)geteuid());
  }
  return 1;
}

/** Finds the channel, or makes it. */
static int hws_enter(struct hws_state *state) {
  char root[HWS_ROOT], path[HWS_PATH];
  int i, pass, is_tried[HWS_ROOTS] = {0};
  for (i = 0; state->identity.local_rank == 0 && hws_root(i, root); i++)
    if (*root != '\0')
      hws_sweep(root, state->name);
  /* First where another rank has made it, even if a better place has room again by now. Then wherever it can be, best first,
     also where it stands only now: another rank was faster. */
  for (pass = 0; pass < 2; pass++)
    for (i = 0; hws_root(i, root); i++) {
      snprintf(path, sizeof path, "%s/%s", root, state->name);
      if (*root == '\0' || is_tried[i] || (pass == 0 && !hws_is_there(AT_FDCWD, path)))
        continue;
      is_tried[i] = 1;
      state->channel = hws_open_or_make(state, root);
      if (state->channel != -1) {
        memcpy(state->root, root, sizeof root);
        return 0;
      }
    }
  return hws_fail(state, "no directory for a channel: %s", strerror(errno));
}

/**
 * Makes this process the keeper of a channel whose keeper has died: a wrapper may be killed, and its ranks live on. Else the next sweep
 * would remove the channel from under them.
 */
static void hws_keep_if_orphaned(struct hws_state *state) {
  char line[256];
  struct hws_process self;
  if (hws_read_small(state->channel, "keeper", line, sizeof line) == -1 || !hws_is_dead(line))
    return;
  /* It has been of use to somebody already, and is of none to us. */
  if (hws_read_small(state->channel, "leader", line, sizeof line) == 0 && hws_is_dead(line))
    return;
  if (hws_look_at((int)getpid(), &self) == 0) {
    hws_process_line(&self, line);
    hws_publish(state->channel, "keeper", line);
  }
}

/* ---- Lines and messages ---- */

/**
 * Takes the next line, without its newline, out of what was read. 1: a line. 0: none yet. -1: one that is too long, or has a NUL
 * in it.
 */
static int hws_next_line(struct hws_reader *reader, char line[HWS_LINE]) {
  char *end = memchr(reader->buffer, '\n', reader->used);
  size_t length;
  if (end == NULL)
    return reader->used == sizeof reader->buffer ? -1 : 0;
  length = (size_t)(end - reader->buffer);
  memcpy(line, reader->buffer, length);
  line[length] = '\0';
  reader->used -= length + 1;
  memmove(reader->buffer, end + 1, reader->used);
  return strlen(line) == length ? 1 : -1;
}

/** Reads what there is. 1: something. 0: nothing for now. -1: the end. */
static int hws_read_some(struct hws_reader *reader, int fd) {
  ssize_t got;
  do
    got = read(fd, reader->buffer + reader->used, sizeof reader->buffer - reader->used);
  while (got == -1 && errno == EINTR);
  if (got > 0)
    reader->used += (size_t)got;
  return got > 0 ? 1 : got == -1 && errno == EAGAIN ? 0 : -1;
}

struct hws_message {
  const char *verb;
  int count;
  struct {
    const char *key, *value;
  } words[32];
};

/** Decodes the `%XX` of a value, in place. 0 if it has what it may not have. */
static int hws_decode(char *value) {
  char *to = value;
  for (; *value != '\0'; value++, to++) {
    char hex[3] = "";
    uint64_t byte;
    if (*value < '!' || *value > '~')
      return 0;
    *to = *value;
    if (*value != '%')
      continue;
    memcpy(hex, value + 1, value[1] == '\0' ? 1 : 2);
    if (strlen(hex) != 2 || !hws_number(hex, 16, &byte) || byte == 0)
      return 0;
    *to = (char)byte;
    value += 2;
  }
  *to = '\0';
  return 1;
}

static const char *hws_value(const struct hws_message *message, const char *key) {
  int i;
  for (i = 0; i < message->count; i++)
    if (strcmp(message->words[i].key, key) == 0)
      return message->words[i].value;
  return NULL;
}

/** Takes a line apart, in place. 0 if it is no message. */
static int hws_parse(char *line, struct hws_message *message) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
  char *rest = line, *key;
  message->verb = strsep(&rest, " ");
  message->count = 0;
  if (*message->verb == '\0' || message->verb[strspn(message->verb, letters)] != '\0')
    return 0;
  while ((key = strsep(&rest, " ")) != NULL) {
    char *value = strchr(key, '=');
    if (value == NULL || strchr(letters, *key) == NULL || message->count == 32)
      return 0;
    *value++ = '\0';
    if (key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0' || hws_value(message, key) != NULL ||
        !hws_decode(value))
      return 0;
    message->words[message->count].key = key;
    message->words[message->count++].value = value;
  }
  return 1;
}

static int hws_is(const struct hws_message *message, const char *verb) { return strcmp(message->verb, verb) == 0; }

/** The number of this key. 0 if it has none. */
static int hws_get(const struct hws_message *message, const char *key, int base, uint64_t *value) {
  return hws_number(hws_value(message, key), base, value);
}

static int hws_parse_plan(const struct hws_message *message, struct hws_plan *plan) {
  const char *file = hws_value(message, "file");
  uint64_t generation;
  if (!hws_is(message, "plan") || !hws_get(message, "generation", 10, &generation) || generation > 999999999 ||
      file == NULL || *file != '/' || strlen(file) >= sizeof plan->file ||
      !hws_get(message, "offset", 16, &plan->offset) || !hws_get(message, "address", 16, &plan->address) ||
      !hws_get(message, "length", 16, &plan->length) || !hws_get(message, "abi", 16, &plan->abi) || plan->length == 0 ||
      plan->length > UINTPTR_MAX - plan->address)
    return 0;
  plan->generation = (unsigned)generation;
  strcpy(plan->file, file);
  return 1;
}

static void hws_add_plan(struct hws_text *text, const struct hws_plan *plan) {
  hws_add(text, "plan generation=%u", plan->generation);
  hws_add_word(text, "file", plan->file);
  hws_add(text, " offset=%llx address=%llx length=%llx abi=%llx\n", (unsigned long long)plan->offset,
          (unsigned long long)plan->address, (unsigned long long)plan->length, (unsigned long long)plan->abi);
}

/* ---- Maps: what is occupied, and where all have a hole ---- */

static int hws_add_range(struct hws_ranges *ranges, uint64_t start, uint64_t end) {
  if (ranges->count > 0 && ranges->list[ranges->count - 1].end == start) {
    ranges->list[ranges->count - 1].end = end;
    return 0;
  }
  if (ranges->count == ranges->size) {
    size_t size = ranges->size * 2 + 64;
    struct hws_range *list = realloc(ranges->list, size * sizeof *list);
    if (list == NULL)
      return -1;
    ranges->list = list;
    ranges->size = size;
  }
  ranges->list[ranges->count].start = start;
  ranges->list[ranges->count++].end = end;
  return 0;
}

/** Takes the ranges at the head of a line. How many they are, or -1 if they are none that may be. */
static int hws_parse_ranges(const char *line, struct hws_ranges *ranges) {
  static const char digits[] = "0123456789abcdefABCDEF";
  int found;
  for (found = 0;; found++) {
    size_t first = strspn(line, digits), second = line[first] == '-' ? strspn(line + first + 1, digits) : 0;
    const char *behind = line + first + 1 + second;
    unsigned long long start, end;
    if (first == 0 || second == 0 || first > 16 || second > 16 || (*behind != ' ' && *behind != '\0'))
      return found;
    start = strtoull(line, NULL, 16);
    end = strtoull(line + first + 1, NULL, 16);
    if (start >= end || ranges->count >= HWS_MOST_RANGES || hws_add_range(ranges, start, end) == -1)
      return -1;
    if (*behind == '\0')
      return found + 1;
    line = behind + 1;
  }
}

static int hws_compare_ranges(const void *a, const void *b) {
  const struct hws_range *left = a, *right = b;
  return left->start < right->start ? -1 : left->start > right->start;
}

/** Sorts ranges, and makes one of those that touch. */
static void hws_merge(struct hws_ranges *ranges) {
  size_t i, last = 0;
  if (ranges->count == 0)
    return;
  qsort(ranges->list, ranges->count, sizeof *ranges->list, hws_compare_ranges);
  for (i = 1; i < ranges->count; i++) {
    if (ranges->list[i].start > ranges->list[last].end)
      ranges->list[++last] = ranges->list[i];
    else if (ranges->list[i].end > ranges->list[last].end)
      ranges->list[last].end = ranges->list[i].end;
  }
  ranges->count = last + 1;
}

/** What is mapped in this process; where its heap ends, and its stack starts (0 where it has none). */
static int hws_own_ranges(struct hws_ranges *ranges, uint64_t *heap, uint64_t *stack) {
  char text[PATH_MAX + 256], *line, *end;
  size_t used = 0;
  ssize_t got;
  int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC), is_good = fd != -1;
  ranges->count = 0;
  *heap = *stack = 0;
  while (is_good && (got = read(fd, text + used, sizeof text - used)) != 0) {
    if (got == -1 && errno == EINTR)
      continue;
    used += got == -1 ? 0 : (size_t)got;
    line = text;
    while (is_good && (end = memchr(line, '\n', used - (size_t)(line - text))) != NULL) {
      *end = '\0';
      is_good = got != -1 && hws_parse_ranges(line, ranges) == 1;
      if (is_good && end - line > 6 && strcmp(end - 6, "[heap]") == 0)
        *heap = ranges->list[ranges->count - 1].end;
      if (is_good && end - line > 7 && strcmp(end - 7, "[stack]") == 0)
        *stack = strtoull(line, NULL, 16);
      line = end + 1;
    }
    is_good = is_good && got != -1 && line != text;
    used -= (size_t)(line - text);
    memmove(text, line, used);
  }
  hws_close(&fd);
  return is_good && ranges->count > 0 ? 0 : -1;
}

static uint64_t hws_up(uint64_t address, uint64_t alignment) {
  return (address + alignment - 1) / alignment * alignment;
}

/** A number that differs from job to job, and from plan to plan. Its upper bits are well mixed. */
static uint64_t hws_hash(const char *text, uint64_t more) {
  uint64_t hash = 14695981039346656037u ^ more;
  for (; *text != '\0'; text++)
    hash = (hash ^ (unsigned char)*text) * 1099511628211u;
  hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu; /* the finalizer of MurmurHash3 */
  return (hash ^ hash >> 33) >> 8;
}

/**
 * An address at which `length` bytes are free in all ranks and below `top`; 0 if there is none.
 *
 * Where nothing else goes: a program and its heap lie at 0x55.. and 0x56.. or far below, libraries, stacks and new mappings above
 * 0x7e.., the memory of a JavaScript engine below 0x40... In there at a place that depends on the job, since others may choose one
 * there, too. Where neither window has room (other architectures have less address space): a quarter of the way into the biggest
 * hole, at whose ends the kernel, heaps and stacks go on.
 */
static uint64_t hws_choose(const struct hws_ranges *merged, uint64_t length, uint64_t top, uint64_t hash) {
  static const struct hws_range windows[] = {{0x400000000000u, 0x540000000000u}, {0x600000000000u, 0x700000000000u}};
  const uint64_t alignment = 0x200000;
  struct hws_range biggest = {0, 0};
  uint64_t from, to, places, chosen = 0;
  size_t i, window;
  int pass;
  for (window = 0; window < 2; window++)
    /* First the places are counted, then the chosen one is gone to. */
    for (pass = 0; pass < 2; pass++) {
      uint64_t end = windows[window].end < top ? windows[window].end : top;
      from = windows[window].start;
      places = 0;
      for (i = 0; i <= merged->count; i++) {
        uint64_t first = hws_up(from, alignment), here = 0;
        to = i < merged->count && merged->list[i].start < end ? merged->list[i].start : end;
        if (first < to && to - first >= length)
          here = (to - first - length) / alignment + 1;
        if (pass == 1 && chosen - places < here)
          return first + (chosen - places) * alignment;
        places += here;
        if (i < merged->count && merged->list[i].end > from)
          from = merged->list[i].end;
      }
      if (places == 0)
        break;
      chosen = hash % places;
    }
  from = 0x10000; /* below that nobody may map: vm.mmap_min_addr */
  for (i = 0; i <= merged->count; i++) {
    to = i < merged->count && merged->list[i].start < top ? merged->list[i].start : top;
    if (from < to && to - from > biggest.end - biggest.start) {
      biggest.start = from;
      biggest.end = to;
    }
    if (i < merged->count && merged->list[i].end > from)
      from = merged->list[i].end;
  }
  from = hws_up(biggest.start + (biggest.end - biggest.start) / 4, alignment);
  return from < biggest.end && biggest.end - from >= length ? from : 0;
}

/** Keeps a range free. 0: done. 1: something is mapped there. -1 and errno: it cannot be had at all. */
static int hws_reserve(struct hws_state *state, const struct hws_plan *plan) {
  void *wanted = (void *)(uintptr_t)plan->address;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
  void *got = mmap(wanted, (size_t)plan->length, PROT_NONE, flags, -1, 0);
  if (got == MAP_FAILED)
    return errno == EEXIST ? 1 : -1;
  if (got != wanted) { /* Linux before 4.17, which takes the address for a wish */
    munmap(got, (size_t)plan->length);
    return 1;
  }
  state->reserved = got;
  state->reserved_length = (size_t)plan->length;
  return 0;
}

static void hws_drop_reservation(struct hws_state *state) {
  if (state->reserved != NULL)
    munmap(state->reserved, state->reserved_length);
  state->reserved = NULL;
}

/* ---- Topologies ---- */

/** Discovers the machine, or what hwloc's environment variables name instead. NULL and errno if that fails. */
static hwloc_topology_t hws_discover(unsigned long flags) {
  const char *io = hws_setting("HWLOC_SHARE_IO");
  enum hwloc_type_filter_e filter = HWLOC_TYPE_FILTER_KEEP_IMPORTANT;
  hwloc_topology_t topology;
  if (io != NULL && strcmp(io, "all") == 0)
    filter = HWLOC_TYPE_FILTER_KEEP_ALL;
  if (io != NULL && strcmp(io, "none") == 0)
    filter = HWLOC_TYPE_FILTER_KEEP_NONE;
  if (hwloc_topology_init(&topology) == -1)
    return NULL;
  hwloc_topology_set_io_types_filter(topology, filter);
  hwloc_topology_set_flags(topology, flags);
  if (hwloc_topology_load(topology) == 0)
    return topology;
  hwloc_topology_destroy(topology);
  return NULL;
}

/** Loads the leader's XML, with all that the leader kept. */
static hwloc_topology_t hws_import(const char *file, int is_this_system) {
  unsigned long flags = HWS_DISALLOWED | (is_this_system ? (unsigned long)HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM : 0);
  hwloc_topology_t topology;
  int fd = hws_open(AT_FDCWD, file, O_RDONLY, S_IFREG);
  if (fd == -1)
    return NULL;
  close(fd);
  if (hwloc_topology_init(&topology) == -1)
    return NULL;
  hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL);
  hwloc_topology_set_flags(topology, flags);
  if (hwloc_topology_set_xml(topology, file) == 0 && hwloc_topology_load(topology) == 0)
    return topology;
  hwloc_topology_destroy(topology);
  return NULL;
}

/** The ABI word of the libhwloc of this process: the beginning of every topology. 0 if there is none. */
static uint64_t hws_abi(void) {
  hwloc_topology_t topology;
  uint32_t word;
  if (hwloc_topology_init(&topology) == -1)
    return 0;
  memcpy(&word, (const void *)topology, sizeof word);
  hwloc_topology_destroy(topology);
  return word;
}

static const char *hws_errno_text(int error) { return error == 0 ? "it did not say why" : strerror(error); }

/** Adopts the topology of a plan, in the place of the reservation. -1 and a reason if that fails. */
static int hws_adopt(struct hws_state *state, const struct hws_plan *plan) {
  void *address = (void *)(uintptr_t)plan->address;
  hwloc_topology_t topology;
  struct stat found;
  int result, error, fd = hws_open(AT_FDCWD, plan->file, O_RDONLY, S_IFREG);
  if (fd == -1)
    return hws_fail(state, "%.300s: %s", plan->file, strerror(errno));
  if (fstat(fd, &found) == -1 || (uint64_t)found.st_size < plan->length ||
      (uint64_t)found.st_size - plan->length < plan->offset) {
    close(fd);
    return hws_fail(state, "%.300s is shorter than it should be", plan->file);
  }
  hws_drop_reservation(state);
  errno = 0; /* which the library does not always set */
  result = hwloc_shmem_topology_adopt(&topology, fd, plan->offset, address, (size_t)plan->length, 0);
  error = errno;
  close(fd);
  if (result == -1)
    return hws_fail(state, "hwloc_shmem_topology_adopt: %s", hws_errno_text(error));
  state->session.topology = topology;
  state->session.how = HWLOC_SHARE_ADOPTED;
  state->session.address = address;
  state->session.length = (size_t)plan->length;
  state->session.reason[0] = '\0';
  return 0;
}

/** What the cgroup of this process allows, not what it is bound to. Empty where that cannot be told. */
static void hws_own_allowed(char cpus[1024], char mems[1024]) {
  static const char *const forms[] = {
      "/sys/fs/cgroup%s/cpuset.cpus.effective", "/sys/fs/cgroup/unified%s/cpuset.cpus.effective",
      "/sys/fs/cgroup/cpuset%s/cpuset.effective_cpus", "/sys/fs/cgroup/cpuset%s/cpuset.cpus"};
  char group[PATH_MAX], path[PATH_MAX + 64], status[8192], *line;
  size_t i;
  *cpus = *mems = '\0';
  if (hws_read_small(AT_FDCWD, "/proc/self/cpuset", group, sizeof group) == 0)
    for (i = 0; i < 4 && *cpus == '\0'; i++) {
      snprintf(path, sizeof path, forms[i], group);
      if (hws_read_small(AT_FDCWD, path, cpus, 1024) == -1)
        *cpus = '\0';
    }
  /* The memory nodes there are the cgroup's; the CPUs would be those of the binding. */
  if (hws_read_small(AT_FDCWD, "/proc/self/status", status, sizeof status) == 0 &&
      (line = strstr(status, "\nMems_allowed_list:")) != NULL)
    sscanf(line, "\nMems_allowed_list: %1023s", mems);
}

/* ---- The ladder: the leader's XML, else a discovery of one's own ---- */

/** `reason` says why this rank is here; empty: there is nothing to say about it. A code. */
static int hws_take_ladder(struct hws_state *state, const char *xml, int is_this_system) {
  hwloc_share_session *session = &state->session;
  hws_drop_reservation(state);
  if (state->is_strict && session->reason[0] != '\0')
    return HWLOC_SHARE_ENOTSHARED;
  session->topology = xml == NULL ? NULL : hws_import(xml, is_this_system);
  session->how = HWLOC_SHARE_XML;
  if (session->topology == NULL) {
    session->topology = hws_discover(0);
    session->how = HWLOC_SHARE_DISCOVERED;
    session->did_discover = 1;
  }
  if (session->topology == NULL) {
    hws_fail(state, "libhwloc could not discover this machine: %s", strerror(errno));
    return HWLOC_SHARE_ENOTOPOLOGY;
  }
  if (session->reason[0] != '\0')
    hws_say(state, "%s; %s", session->reason,
            session->how == HWLOC_SHARE_XML ? "using a private copy of the leader's topology"
                                            : "discovered the machine on its own");
  return HWLOC_SHARE_SUCCESS;
}

/* ---- A member ---- */

/** Writes as much as the pipe takes now. */
static void hws_flush(struct hws_state *state) {
  struct hws_text *text = &state->outgoing;
  while (state->sent < text->used) {
    ssize_t written = write(state->up, text->data + state->sent, text->used - state->sent);
    if (written == -1 && errno == EINTR)
      continue;
    if (written <= 0)
      return;
    state->sent += (size_t)written;
  }
  state->sent = text->used = 0;
}

static int hws_add_own_ranges(struct hws_text *text) {
  struct hws_ranges ranges = {NULL, 0, 0};
  uint64_t heap, stack;
  size_t i;
  int result = hws_own_ranges(&ranges, &heap, &stack);
  for (i = 0; result == 0 && i < ranges.count; i++)
    hws_add(text, "%llx-%llx%c", (unsigned long long)ranges.list[i].start, (unsigned long long)ranges.list[i].end,
            i % 16 == 15 || i + 1 == ranges.count ? '\n' : ' ');
  hws_add(text, "end\n");
  free(ranges.list);
  return text->has_failed ? -1 : result;
}

static int hws_add_hello(struct hws_state *state) {
  const hwloc_share_session *session = &state->session;
  struct hws_text *out = &state->outgoing;
  struct hws_ranges ranges = {NULL, 0, 0};
  uint64_t heap, stack;
  if (hws_own_ranges(&ranges, &heap, &stack) == -1)
    heap = stack = 0;
  free(ranges.list);
  hws_add(out, "hello hwloc-share=%d rank=%d local=%d abi=%llx", HWS_VERSION, session->rank, session->local_rank,
          (unsigned long long)state->abi);
  if (heap != 0)
    hws_add(out, " heap=%llx", (unsigned long long)heap);
  if (stack != 0)
    hws_add(out, " stack=%llx", (unsigned long long)stack);
  if (session->allowed_cpus[0] != '\0')
    hws_add_word(out, "cpus", session->allowed_cpus);
  if (session->allowed_mems[0] != '\0')
    hws_add_word(out, "mems", session->allowed_mems);
  hws_add(out, "\n");
  return hws_add_own_ranges(out);
}

static void hws_hang_up(struct hws_state *state) {
  hws_close(&state->up);
  hws_close(&state->down);
}

/** Goes on without a leader: adopts what the others have adopted, or takes the ladder. A code. */
static int hws_join_alone(struct hws_state *state, const char *why) {
  char line[HWS_LINE];
  struct hws_message message;
  struct hws_plan plan;
  int code = HWLOC_SHARE_SUCCESS;
  hws_drop_reservation(state);
  state->alone = "this rank did not meet the others";
  if (state->channel == -1 || hws_read_small(state->channel, "plan", line, sizeof line) == -1)
    hws_fail(state, "%s", why);
  else if (!hws_parse(line, &message) || !hws_parse_plan(&message, &plan))
    hws_fail(state, "came late: the published plan cannot be understood");
  else if (plan.abi != state->abi)
    hws_fail(state, "came late: its libhwloc has ABI 0x%llx, the leader's 0x%llx", (unsigned long long)state->abi,
             (unsigned long long)plan.abi);
  else if (hws_adopt(state, &plan) == 0)
    state->alone = "this rank joined after the others had gone on";
  if (state->session.topology == NULL)
    code = hws_take_ladder(state, NULL, 0);
  /* Not before: until then the leader may wait for this end, and leave the file where it is. */
  hws_hang_up(state);
  return code;
}

/** Whether the lobby that is open here is the one that others find. Somebody who came later may have made a new channel. */
static int hws_is_found(const struct hws_state *state, int lobby) {
  char path[HWS_PATH];
  struct stat mine, there;
  snprintf(path, sizeof path, "%s/%s/lobby", state->root, state->name);
  return fstat(lobby, &mine) == 0 && lstat(path, &there) == 0 && mine.st_ino == there.st_ino;
}

/** Why there is no use in waiting for the leader, which was not heard yet; NULL if there is. */
static const char *hws_why_nobody_answers(struct hws_state *state, int lobby) {
  int pulse;
  hws_keep_if_orphaned(state);
  if (hws_is_there(state->channel, "plan"))
    return "the others have gone on";
  if (!hws_is_found(state, lobby))
    return "the leader has gone, and the channel with it";
  if (hws_is_there(state->channel, "leader")) {
    pulse = hws_open_fifo(state->channel, "pulse", O_WRONLY);
    if (pulse == -1 && (errno == ENXIO || errno == ENOENT))
      return "the leader has gone";
    hws_close(&pulse);
    return NULL;
  }
  hws_look_for_ranks(state);
  if (hws_has_died(state, 0))
    return "the leader ended before it could lead";
  /* Every launcher starts it first: if it is not there now, it has been. */
  return hws_is_nowhere(state, 0) ? "the leader has left the job" : NULL;
}

/** Reserves the range of a plan, and answers. Whether it is reserved. */
static int hws_answer_plan(struct hws_state *state, const struct hws_plan *plan) {
  struct hws_text *out = &state->outgoing;
  int result = -1;
  if (plan->abi != state->abi)
    hws_fail(state, "its libhwloc has ABI 0x%llx, the leader's 0x%llx", (unsigned long long)state->abi,
             (unsigned long long)plan->abi);
  else if ((result = hws_reserve(state, plan)) == -1)
    hws_fail(state, "its range cannot be mapped: %s", strerror(errno));
  if (result == -1) {
    hws_add(out, "declined");
    hws_add_word(out, "reason", state->session.reason);
    hws_add(out, "\n");
  } else {
    hws_add(out, "%s generation=%u\n", result == 0 ? "reserved" : "busy", plan->generation);
    if (result == 1)
      hws_add_own_ranges(out);
  }
  return result == 0;
}

/** A conversation under way: what was planned last, whether its range is reserved, and what became of the join. */
struct hws_talk {
  struct hws_plan plan;
  int is_reserved, code;
};

/** What comes after a message. */
enum hws_next { HWS_GO_ON, HWS_JOINED, HWS_CONFUSED };

static enum hws_next hws_answer(struct hws_state *state, char *line, struct hws_talk *talk) {
  struct hws_text *out = &state->outgoing;
  struct hws_message message;
  const char *word;
  uint64_t number;
  if (!hws_parse(line, &message))
    return HWS_CONFUSED;
  if (hws_is(&message, "wait"))
    return HWS_GO_ON;
  if (hws_is(&message, "plan")) {
    hws_drop_reservation(state);
    if (!hws_parse_plan(&message, &talk->plan))
      return HWS_CONFUSED;
    talk->is_reserved = hws_answer_plan(state, &talk->plan);
    return HWS_GO_ON;
  }
  if (hws_is(&message, "release")) {
    if (!talk->is_reserved || !hws_get(&message, "generation", 10, &number) || number != talk->plan.generation)
      return HWS_CONFUSED;
    talk->is_reserved = 0;
    if (hws_adopt(state, &talk->plan) == 0) {
      hws_add(out, "done how=adopted\n");
      return HWS_JOINED;
    }
    hws_add(out, "failed");
    hws_add_word(out, "reason", state->session.reason);
    hws_add(out, "\n");
    return HWS_GO_ON;
  }
  if (!hws_is(&message, "ladder"))
    return HWS_CONFUSED;
  word = hws_value(&message, "reason");
  hws_fail(state, "%s", word == NULL ? "the leader says so" : word);
  word = hws_value(&message, "thissystem");
  talk->code = hws_take_ladder(state, hws_value(&message, "xml"), word != NULL && strcmp(word, "1") == 0);
  if (talk->code == HWLOC_SHARE_SUCCESS)
    hws_add(out, "done how=%s\n", state->session.how == HWLOC_SHARE_XML ? "xml" : "discovered");
  return HWS_JOINED;
}

/** Waits for the leader until then (0: for ever), and writes what is still to be written. As hws_read_some(). */
static int hws_listen(struct hws_state *state, double until) {
  struct pollfd fds[2];
  double wait = until - hws_now();
  hws_flush(state);
  fds[0].fd = state->down;
  fds[0].events = POLLIN;
  fds[0].revents = 0;
  fds[1].fd = state->sent < state->outgoing.used ? state->up : -1;
  fds[1].events = POLLOUT;
  /* Not just a read, which says EOF before the leader has opened its end; poll says so only after it has closed it. */
  poll(fds, 2, until == 0 ? -1 : wait > 0 ? (int)(wait * 1000) + 1 : 0);
  return fds[0].revents == 0 ? 0 : hws_read_some(&state->reader, state->down);
}

/** Whether the leader has renewed its mark since `last`, which is set: it lives, and has no descriptors left for this rank. */
static int hws_is_renewed(const struct hws_state *state, struct timespec *last) {
  struct stat mark;
  int is_renewed = fstatat(state->channel, "leader", &mark, AT_SYMLINK_NOFOLLOW) == 0 &&
                   (mark.st_mtim.tv_sec != last->tv_sec || mark.st_mtim.tv_nsec != last->tv_nsec);
  if (is_renewed)
    *last = mark.st_mtim;
  return is_renewed;
}

/** From the announcement to the topology. A code; or, where it comes to nothing, 0 and why. */
static int hws_converse(struct hws_state *state, int *lobby, char why[128]) {
  struct hws_talk talk = {{0, "", 0, 0, 0, 0}, 0, HWLOC_SHARE_SUCCESS};
  double deadline = hws_now() + state->timeout, next_look = hws_now() + HWS_LOOK;
  struct timespec mark = {0, 0};
  char line[HWS_LINE];
  for (;;) {
    int got = hws_listen(state, *lobby != -1 && next_look < deadline ? next_look : deadline);
    const char *trouble = got == -1 ? "the leader has gone" : NULL;
    if (got == 1) {
      hws_close(lobby); /* the leader has opened our pair: the announcement is not needed any more */
      deadline = hws_now() + state->timeout;
    }
    while (got == 1 && (got = hws_next_line(&state->reader, line)) == 1) {
      enum hws_next next = hws_answer(state, line, &talk);
      if (next == HWS_JOINED) {
        hws_flush(state);
        return talk.code;
      }
      if (next == HWS_CONFUSED)
        got = -1;
    }
    if (got == -1 && trouble == NULL)
      trouble = "the leader cannot be understood";
    if (trouble == NULL && *lobby != -1 && hws_now() >= next_look) {
      trouble = hws_why_nobody_answers(state, *lobby);
      if (hws_is_renewed(state, &mark))
        deadline = hws_now() + state->timeout;
      next_look = hws_now() + HWS_LOOK;
    }
    if (trouble != NULL || hws_now() >= deadline) {
      snprintf(why, 128, "the leader %s %g s (HWLOC_SHARE_TIMEOUT)",
               *lobby != -1 ? "did not come within" : "was silent for", state->timeout);
      if (trouble != NULL)
        snprintf(why, 128, "%s", trouble);
      return 0;
    }
  }
}

/** Makes this rank's pair of FIFOs, says hello, and announces it in the lobby. The lobby, or -1 and a reason. */
static int hws_announce(struct hws_state *state) {
  char up[HWS_NAME], down[HWS_NAME], line[160];
  int lobby = -1, pid = (int)getpid(), local = state->session.local_rank;
  snprintf(up, sizeof up, "%d-%d.up", local, pid);
  snprintf(down, sizeof down, "%d-%d.down", local, pid);
  if (mkfifoat(state->channel, up, 0600) == 0 && mkfifoat(state->channel, down, 0600) == 0 &&
      (state->down = hws_open_fifo(state->channel, down, O_RDONLY)) != -1 &&
      (state->up = hws_open_fifo(state->channel, up, O_RDWR)) != -1)
    lobby = hws_open_fifo(state->channel, "lobby", O_RDWR);
  if (lobby == -1)
    return hws_fail(state, "%.300s/%s: %s", state->root, state->name, strerror(errno));
  hws_flush(state);
  snprintf(line, sizeof line, "announce hwloc-share=%d rank=%d local=%d pipe=%d-%d\n", HWS_VERSION, state->session.rank,
           local, local, pid);
  if (write(lobby, line, strlen(line)) == (ssize_t)strlen(line))
    return lobby;
  close(lobby);
  return hws_fail(state, "the lobby takes no announcement: %s", strerror(errno));
}

static int hws_join_as_member(struct hws_state *state) {
  char why[128] = "";
  int lobby, code;
  if (hws_is_there(state->channel, "plan"))
    return hws_join_alone(state, "the others have gone on");
  if (hws_add_hello(state) == -1)
    return hws_join_alone(state, "/proc/self/maps cannot be read");
  lobby = hws_announce(state);
  if (lobby == -1) {
    snprintf(why, sizeof why, "%.127s", state->session.reason);
    return hws_join_alone(state, why);
  }
  code = hws_converse(state, &lobby, why);
  if (*why != '\0')
    code = hws_join_alone(state, why);
  hws_close(&lobby);
  return code;
}

/** A barrier of a rank that can reach nobody. */
static int hws_pass_alone(struct hws_state *state) {
  if (!state->has_said_alone)
    hws_say(state, "%s; it passes its barriers without the others", state->alone);
  state->has_said_alone = 1;
  return HWLOC_SHARE_ALONE;
}

static int hws_member_barrier(struct hws_state *state) {
  struct hws_message message;
  char line[HWS_LINE];
  uint64_t number;
  hws_add(&state->outgoing, "barrier number=%llu\n", (unsigned long long)state->barrier);
  for (;;) {
    int got = hws_listen(state, 0);
    while (got == 1 && (got = hws_next_line(&state->reader, line)) == 1) {
      if (!hws_parse(line, &message))
        got = -1;
      else if (hws_is(&message, "open") && hws_get(&message, "number", 10, &number) && number == state->barrier)
        return HWLOC_SHARE_SUCCESS;
    }
    if (got == -1) {
      hws_hang_up(state);
      state->alone = "the leader has gone";
      return hws_pass_alone(state);
    }
  }
}

/* ---- The leader: its members ---- */

static struct hws_member *hws_member_of(const struct hws_state *state, int local) {
  size_t i;
  for (i = 0; i < state->member_count; i++)
    if (state->members[i]->local == local)
      return state->members[i];
  return NULL;
}

static size_t hws_count_in_stages(const struct hws_state *state, enum hws_stage first, enum hws_stage last) {
  size_t i, found = 0;
  for (i = 0; i < state->member_count; i++)
    found += state->members[i]->stage >= first && state->members[i]->stage <= last;
  return found;
}

/** How many members can be served at once with the descriptors that this process may open: two each. */
static size_t hws_room(void) {
  struct rlimit limit;
  DIR *directory = opendir("/proc/self/fd");
  size_t open = 0;
  while (directory != NULL && readdir(directory) != NULL)
    open++;
  if (directory != NULL)
    closedir(directory);
  if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur == RLIM_INFINITY)
    return SIZE_MAX;
  return limit.rlim_cur < open + HWS_SPARE_FILES ? 0 : (size_t)(limit.rlim_cur - open - HWS_SPARE_FILES) / 2;
}

/** Ends the conversation: the member sees EOF. */
static void hws_let_go(struct hws_member *member, int is_dropped) {
  hws_close(&member->up);
  hws_close(&member->down);
  member->stage = HWS_GONE;
  member->is_dropped = is_dropped;
  free(member->ranges.list);
  memset(&member->ranges, 0, sizeof member->ranges);
}

/** Says something to a member, whole or not at all: up to PIPE_BUF bytes a pipe takes whole. One that reads nothing is let go. */
static void hws_tell(struct hws_member *member, const char *text) {
  size_t length = strlen(text);
  if (member->stage != HWS_GONE && (length > PIPE_BUF || write(member->down, text, length) != (ssize_t)length))
    hws_let_go(member, 1);
}

static void hws_send_to_ladder(struct hws_member *member, const char *reason, const char *xml, int is_this_system) {
  struct hws_text text = {NULL, 0, 0, 0};
  hws_add(&text, "ladder");
  hws_add_word(&text, "reason", reason);
  if (xml != NULL)
    hws_add_word(&text, "xml", xml);
  hws_add(&text, " thissystem=%d\n", is_this_system);
  if (text.has_failed)
    hws_let_go(member, 1);
  else
    hws_tell(member, text.data);
  if (member->stage != HWS_GONE)
    member->stage = HWS_LADDER;
  free(text.data);
}

/**
 * Opens a member's pair. -1 and errno; ENXIO if it has died.
 *
 * `up` first: as long as the member has it open, its end will be seen by poll. A member that has `down` open has `up` open, too.
 */
static int hws_open_pair(struct hws_state *state, const char *pipe, int *up, int *down) {
  char name[HWS_NAME];
  int probe;
  snprintf(name, sizeof name, "%.64s.up", pipe);
  *up = hws_open_fifo(state->channel, name, O_RDONLY);
  snprintf(name, sizeof name, "%.64s.down", pipe);
  probe = *up == -1 ? -1 : hws_open_fifo(state->channel, name, O_WRONLY);
  /* Once more for both: then writing to a member that has died meanwhile gives no SIGPIPE. */
  *down = probe == -1 ? -1 : hws_open_fifo(state->channel, name, O_RDWR);
  if (*down == -1) {
    int error = errno;
    hws_close(&probe);
    hws_close(up);
    errno = error;
    return -1;
  }
  close(probe);
  return 0;
}

/** What stays behind when everybody is killed is to be as little as can be: an open FIFO needs no name. */
static void hws_unlink_pair(struct hws_state *state, const char *pipe) {
  char name[HWS_NAME];
  snprintf(name, sizeof name, "%.64s.up", pipe);
  unlinkat(state->channel, name, 0);
  snprintf(name, sizeof name, "%.64s.down", pipe);
  unlinkat(state->channel, name, 0);
}

/** Notes a member for which no descriptors are left. */
static void hws_turn_away(struct hws_state *state, int local, const char *pipe) {
  struct hws_away *away = realloc(state->away, (state->away_count + 1) * sizeof *away);
  if (away == NULL)
    return;
  state->away = away;
  away[state->away_count].local = local;
  snprintf(away[state->away_count++].pipe, sizeof away->pipe, "%s", pipe);
}

/** Counts what was said in the lobby and is no announcement. A flood of it is not to flood stderr. */
static void hws_complain(struct hws_state *state, const char *what) {
  if (state->nonsense++ < 10)
    hws_say(state, "an announcement was not understood: %s", what);
}

/** Lets a member in, or tells it why not. */
static void hws_admit(struct hws_state *state, int rank, int local, const char *pipe, const char *refusal) {
  struct hws_member *member, **members;
  if (refusal == NULL && hws_count_in_stages(state, HWS_HELLO, HWS_DONE) >= state->room) {
    hws_turn_away(state, local, pipe);
    return;
  }
  member = calloc(1, sizeof *member);
  members = realloc(state->members, (state->member_count + 1) * sizeof *members);
  if (members != NULL)
    state->members = members;
  if (member == NULL || members == NULL) {
    free(member);
    return;
  }
  member->rank = rank;
  member->local = local;
  if (hws_open_pair(state, pipe, &member->up, &member->down) == -1 && errno != ENXIO) {
    hws_complain(state, strerror(errno)); /* it may announce itself yet */
    free(member);
    return;
  }
  hws_unlink_pair(state, pipe);
  if (member->down != -1 && refusal == NULL) {
    members[state->member_count++] = member;
    return;
  }
  /* It has died since, or is none that may take part: nobody has to wait for it. */
  if (member->down != -1)
    hws_send_to_ladder(member, refusal, NULL, 0);
  hws_let_go(member, 0);
  free(member);
  if (local < state->session.local_size && hws_member_of(state, local) == NULL)
    state->has_ended[local] |= 1;
}

/** Takes up a line from the lobby. */
static void hws_hear_announcement(struct hws_state *state, char *line) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  struct hws_message message;
  const char *pipe = NULL;
  char shown[160], why[128];
  int version, rank, local, expected = state->session.local_size - 1;
  snprintf(shown, sizeof shown, "%.159s", line);
  if (hws_parse(line, &message) && hws_is(&message, "announce"))
    pipe = hws_value(&message, "pipe");
  if (pipe == NULL || *pipe == '\0' || strlen(pipe) > 64 || pipe[strspn(pipe, letters)] != '\0' ||
      !hws_count(hws_value(&message, "hwloc-share"), &version) || !hws_count(hws_value(&message, "rank"), &rank) ||
      !hws_count(hws_value(&message, "local"), &local)) {
    hws_complain(state, shown);
    return;
  }
  *why = '\0';
  if (version != HWS_VERSION)
    snprintf(why, sizeof why, "it speaks version %d of the protocol, and the leader %d", version, HWS_VERSION);
  else if (local < 1 || local > expected)
    snprintf(why, sizeof why, "local rank %d is none of the ranks 1 to %d that the leader expects", local, expected);
  else if (hws_member_of(state, local) != NULL)
    snprintf(why, sizeof why, "another process has joined as local rank %d", local);
  hws_admit(state, rank, local, pipe, *why == '\0' ? NULL : why);
}

static void hws_read_lobby(struct hws_state *state) {
  struct hws_reader *reader = &state->lobby_reader;
  char line[HWS_LINE];
  int got;
  if (hws_read_some(reader, state->lobby) != 1)
    return;
  while ((got = hws_next_line(reader, line)) != 0 && state->nonsense < 1000) {
    if (got == 1 && !state->is_skipping)
      hws_hear_announcement(state, line);
    else if (!state->is_skipping)
      hws_complain(state, "a line that is too long, or has a NUL in it");
    /* What comes next is the rest of a line that is too long. */
    state->is_skipping = got == -1 && reader->used == sizeof reader->buffer;
    if (state->is_skipping)
      reader->used = 0;
  }
  if (state->nonsense >= 1000) {
    hws_say(state, "the lobby cannot be read any more: too much nonsense; going on with who has come");
    hws_close(&state->lobby);
  }
}

/** Takes up a line of a member. 0 if it is none that may come now. */
static int hws_hear(struct hws_member *member, char *line, unsigned generation) {
  struct hws_message message;
  const char *word;
  uint64_t number;
  if (member->stage == HWS_RANGES || member->stage == HWS_BUSY) {
    int found = hws_parse_ranges(line, &member->ranges);
    if (found != 0)
      return found > 0;
    if (strcmp(line, "end") != 0)
      return 0;
    member->stage = member->stage == HWS_RANGES ? HWS_READY : HWS_REPLAN;
    return 1;
  }
  if (!hws_parse(line, &message))
    return 0;
  switch (member->stage) {
  case HWS_HELLO:
    if (!hws_is(&message, "hello") || !hws_get(&message, "abi", 16, &number))
      return 0;
    word = hws_value(&message, "cpus");
    snprintf(member->cpus, sizeof member->cpus, "%s", word == NULL ? "" : word);
    word = hws_value(&message, "mems");
    snprintf(member->mems, sizeof member->mems, "%s", word == NULL ? "" : word);
    member->stage = HWS_RANGES;
    return 1;
  case HWS_PLANNED:
  case HWS_RELEASED:
    if (hws_is(&message, member->stage == HWS_PLANNED ? "declined" : "failed")) {
      word = hws_value(&message, "reason");
      snprintf(member->reason, sizeof member->reason, "%.255s", word == NULL ? "it cannot adopt" : word);
      member->stage = HWS_DECLINED;
      return 1;
    }
    if (member->stage == HWS_RELEASED) {
      member->stage = HWS_DONE;
      return hws_is(&message, "done");
    }
    member->stage = hws_is(&message, "reserved") ? HWS_RESERVED : HWS_BUSY;
    if (member->stage == HWS_BUSY)
      member->ranges.count = 0;
    return (member->stage == HWS_RESERVED || hws_is(&message, "busy")) &&
           hws_get(&message, "generation", 10, &number) && number == generation;
  case HWS_LADDER:
    member->stage = HWS_DONE;
    return hws_is(&message, "done");
  case HWS_DONE:
    return hws_is(&message, "barrier") && hws_get(&message, "number", 10, &number) && number == ++member->barrier;
  default:
    return 0;
  }
}

static void hws_read_member(struct hws_state *state, struct hws_member *member, unsigned generation) {
  char line[HWS_LINE], shown[128];
  int got = hws_read_some(&member->reader, member->up);
  if (got == -1)
    hws_let_go(member, 0);
  while (got == 1 && (got = hws_next_line(&member->reader, line)) != 0) {
    snprintf(shown, sizeof shown, "%.127s", got == 1 ? line : "a line that is too long");
    if (got == -1 || !hws_hear(member, line, generation)) {
      hws_say(state, "going on without rank %d, which cannot be understood: %s", member->rank, shown);
      hws_let_go(member, 0);
      return;
    }
  }
}

/** Waits until something comes from a member, the lobby or `other`, but not beyond `until` (0: for ever); takes it up. */
static void hws_serve(struct hws_state *state, int other, unsigned generation, double until) {
  size_t count = state->member_count, i;
  struct pollfd *fds = calloc(count + 2, sizeof *fds);
  double wait = until - hws_now();
  if (fds == NULL)
    return;
  for (i = 0; i < count + 2; i++) {
    fds[i].fd = i < count ? state->members[i]->up : i == count ? state->lobby : other; /* -1 is passed over */
    fds[i].events = POLLIN;
  }
  if (poll(fds, (nfds_t)count + 2, until == 0 ? -1 : wait > 0 ? (int)(wait * 1000) + 1 : 0) > 0) {
    for (i = 0; i < count; i++)
      if (fds[i].revents != 0)
        hws_read_member(state, state->members[i], generation);
    if (fds[count].revents != 0)
      hws_read_lobby(state);
  }
  free(fds);
}

/** A list of local ranks. */
struct hws_list {
  char text[400];
  int count;
};

static void hws_add_to_list(struct hws_list *list, int number) {
  size_t used = strlen(list->text);
  list->count++;
  if (used + 16 < sizeof list->text)
    snprintf(list->text + used, sizeof list->text - used, "%s%d", used > 0 ? "," : "", number);
  else if (list->text[used - 1] != '.')
    strcat(list->text, "...");
}

static int hws_is_away(const struct hws_state *state, int local) {
  size_t i;
  for (i = 0; i < state->away_count; i++)
    if (state->away[i].local == local)
      return 1;
  return 0;
}

/** The local ranks that are not here yet, and are waited for. */
static void hws_missing(const struct hws_state *state, struct hws_list *missing) {
  int local;
  memset(missing, 0, sizeof *missing);
  for (local = 1; local < state->session.local_size; local++) {
    const struct hws_member *member = hws_member_of(state, local);
    if (member == NULL ? !state->has_ended[local] && !hws_is_away(state, local) : member->stage < HWS_READY)
      hws_add_to_list(missing, local);
  }
}

/** A sign of life to all who wait, when it is time. */
static void hws_tell_to_wait(struct hws_state *state, double *next) {
  struct hws_list missing;
  char text[512];
  size_t i;
  if (hws_now() < *next)
    return;
  hws_missing(state, &missing);
  snprintf(text, sizeof text, "wait missing=%s\n", missing.text);
  for (i = 0; i < state->member_count; i++)
    if (state->members[i]->stage != HWS_LADDER && state->members[i]->stage != HWS_DONE)
      hws_tell(state->members[i], text);
  /* Those whom there are no descriptors for see by the time of its mark that their leader lives. */
  if (state->away_count > 0)
    utimensat(state->channel, "leader", NULL, AT_SYMLINK_NOFOLLOW);
  *next = hws_now() + (state->timeout < 4 ? state->timeout / 4 : 1);
}

/** Serves until no member is in one of these stages. Those who take too long are dropped. */
static void hws_serve_until(struct hws_state *state, enum hws_stage first, enum hws_stage last, unsigned generation) {
  double deadline = hws_now() + state->timeout, next_wait = hws_now() + (state->timeout < 4 ? state->timeout / 4 : 1);
  size_t i;
  while (hws_count_in_stages(state, first, last) > 0 && hws_now() < deadline) {
    hws_serve(state, -1, generation, next_wait < deadline ? next_wait : deadline);
    hws_tell_to_wait(state, &next_wait);
  }
  for (i = 0; i < state->member_count; i++) {
    struct hws_member *member = state->members[i];
    if (member->stage < first || member->stage > last)
      continue;
    hws_say(state, "rank %d did not answer within %g s; going on without it (HWLOC_SHARE_TIMEOUT)", member->rank,
            state->timeout);
    hws_let_go(member, 1);
  }
}

/** Sends the same to all members in these stages, who are in another one then. */
static void hws_tell_all(struct hws_state *state, enum hws_stage first, enum hws_stage last, enum hws_stage next,
                         const char *text) {
  size_t i;
  for (i = 0; i < state->member_count; i++) {
    struct hws_member *member = state->members[i];
    if (member->stage < first || member->stage > last)
      continue;
    hws_tell(member, text);
    if (member->stage != HWS_GONE)
      member->stage = next;
  }
}

/* ---- The leader: gathering ---- */

/** A discovery in a thread of its own: it may take long, and members must hear from their leader meanwhile. */
struct hws_discovery {
  unsigned long flags;
  hwloc_topology_t topology;
  int error;
  int end, thread_end; /* a pipe, whose other end the thread closes when it is through */
  int is_threaded;
  pthread_t thread;
};

static void *hws_discovery_thread(void *argument) {
  struct hws_discovery *discovery = argument;
  discovery->topology = hws_discover(discovery->flags);
  discovery->error = errno;
  hws_close(&discovery->thread_end);
  return NULL;
}

static void hws_start_discovery(struct hws_discovery *discovery, unsigned long flags) {
  sigset_t all, before;
  int ends[2];
  memset(discovery, 0, sizeof *discovery);
  discovery->flags = flags;
  discovery->end = discovery->thread_end = -1;
  if (pipe2(ends, O_CLOEXEC) == 0) {
    discovery->end = ends[0];
    discovery->thread_end = ends[1];
    /* The program's signals are none of its business. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    discovery->is_threaded = pthread_create(&discovery->thread, NULL, hws_discovery_thread, discovery) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  if (!discovery->is_threaded)
    hws_discovery_thread(discovery);
}

/** Whether it is over. If so, its end is not looked at any more. */
static int hws_is_discovered(struct hws_discovery *discovery) {
  struct pollfd end;
  end.fd = discovery->end;
  end.events = POLLIN;
  if (discovery->end != -1 && discovery->is_threaded && poll(&end, 1, 0) == 0)
    return 0;
  hws_close(&discovery->end);
  return 1;
}

/** The topology; NULL and a reason if there is none. */
static hwloc_topology_t hws_end_discovery(struct hws_state *state, struct hws_discovery *discovery) {
  if (discovery->is_threaded)
    pthread_join(discovery->thread, NULL);
  hws_close(&discovery->end);
  if (discovery->topology == NULL)
    hws_fail(state, "libhwloc could not discover this machine: %s", strerror(discovery->error));
  return discovery->topology;
}

/** Looks for members that ended, or gave up, before they announced themselves: no pipe of theirs could tell by its end. */
static void hws_look_for_the_dead(struct hws_state *state, int *unattended) {
  int fd = openat(state->channel, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), local, pid, whole;
  DIR *directory = fd == -1 ? NULL : fdopendir(fd);
  struct dirent *entry;
  struct hws_process maker;
  int can_come = hws_is_found(state, state->lobby);
  hws_keep_if_orphaned(state);
  hws_look_for_ranks(state);
  for (local = 1; local < state->session.local_size; local++)
    if (hws_member_of(state, local) == NULL && (hws_has_died(state, local) || !can_come))
      state->has_ended[local] |= 2;
  if (directory == NULL)
    hws_close(&fd);
  while (directory != NULL && (entry = readdir(directory)) != NULL) {
    whole = 0;
    if (sscanf(entry->d_name, "%d-%d.up%n", &local, &pid, &whole) != 2 || entry->d_name[whole] != '\0' || whole == 0 ||
        local < 1 || local >= state->session.local_size || hws_member_of(state, local) != NULL ||
        hws_is_away(state, local))
      continue;
    /* Not the other one: there, a writer that comes and goes would look like a leader that has died. */
    fd = hws_open_fifo(state->channel, entry->d_name, O_WRONLY);
    unattended[local] = fd == -1 && errno == ENXIO ? unattended[local] + 1 : 0;
    hws_close(&fd);
    /* One look is not enough: a member opens its FIFOs a moment after it has made them, on a crowded node a long one. */
    if (unattended[local] >= (hws_look_at(pid, &maker) == 0 && !maker.is_dead ? HWS_PATIENT_LOOKS : HWS_LOOKS))
      state->has_ended[local] |= 2;
  }
  if (directory != NULL)
    closedir(directory);
}

/** Says what some ranks did, if there are any: "ranks 2,3 did not …". `%s` in it is "it" or "them". */
static void hws_say_of(const struct hws_state *state, const struct hws_list *list, const char *what) {
  const char *local = state->session.size == state->session.local_size ? "" : "local ";
  char text[256];
  snprintf(text, sizeof text, what, list->count == 1 ? "it" : "them");
  if (list->count > 0)
    hws_say(state, "%srank%s %s %s", local, list->count == 1 ? "" : "s", list->text, text);
}

/** Gathers the members until all are here or the timeout is over, and the topology is loaded. */
static void hws_gather(struct hws_state *state, struct hws_discovery *discovery) {
  int *unattended = calloc((size_t)state->session.local_size, sizeof *unattended), local;
  double deadline = hws_now() + state->timeout, next_look = hws_now() + HWS_LOOK, next_wait = hws_now() + HWS_LOOK;
  struct hws_list missing, ended = {"", 0}, away = {"", 0};
  char what[256];
  size_t i;
  for (;;) {
    int is_over, is_discovered = hws_is_discovered(discovery);
    double until = next_wait < next_look ? next_wait : next_look;
    hws_missing(state, &missing);
    is_over = missing.count == 0 || state->lobby == -1 || hws_now() >= deadline;
    if (is_over && is_discovered)
      break;
    hws_serve(state, discovery->end, 0, !is_over && deadline < until ? deadline : until);
    hws_tell_to_wait(state, &next_wait);
    if (hws_now() >= next_look) {
      if (!is_over && unattended != NULL)
        hws_look_for_the_dead(state, unattended);
      next_look = hws_now() + HWS_LOOK;
    }
  }
  free(unattended);
  /* Who comes from now on finds the plan when it is published. */
  hws_close(&state->lobby);
  for (i = 0; i < state->member_count; i++)
    if (state->members[i]->stage < HWS_READY)
      hws_let_go(state->members[i], 1);
  for (local = 1; local < state->session.local_size; local++)
    if (state->has_ended[local] == 2 && hws_member_of(state, local) == NULL)
      hws_add_to_list(&ended, local);
  for (i = 0; i < state->away_count; i++)
    hws_add_to_list(&away, state->away[i].local);
  hws_say_of(state, &ended, "ended, or gave up, before joining; going on without %s");
  hws_say_of(state, &away, "take no part in barriers: too few files may be open here (ulimit -n)");
  snprintf(what, sizeof what, "did not join within %g s; going on without %%s (HWLOC_SHARE_TIMEOUT)", state->timeout);
  hws_say_of(state, &missing, what);
}

/** Whether a member's cgroup allows other things than the leader's. One that does not know is taken to be like it. */
static int hws_allowed_differ(const struct hws_state *state) {
  const hwloc_share_session *own = &state->session;
  size_t i;
  for (i = 0; i < state->member_count; i++) {
    const struct hws_member *member = state->members[i];
    if (member->stage != HWS_GONE &&
        ((member->cpus[0] != '\0' && own->allowed_cpus[0] != '\0' && strcmp(member->cpus, own->allowed_cpus) != 0) ||
         (member->mems[0] != '\0' && own->allowed_mems[0] != '\0' && strcmp(member->mems, own->allowed_mems) != 0)))
      return 1;
  }
  return 0;
}

/** Discovers while the members arrive. NULL and a reason if that fails. */
static hwloc_topology_t hws_discover_and_gather(struct hws_state *state) {
  struct hws_discovery discovery;
  hwloc_topology_t topology;
  double next_wait = 0;
  hws_start_discovery(&discovery, 0);
  hws_gather(state, &discovery);
  topology = hws_end_discovery(state, &discovery);
  if (topology == NULL || !hwloc_topology_is_thissystem(topology) || !hws_allowed_differ(state))
    return topology;
  /* Once more, with what the leader's cgroup does not allow, but another's may. */
  hwloc_topology_destroy(topology);
  hws_start_discovery(&discovery, HWS_DISALLOWED);
  while (!hws_is_discovered(&discovery)) {
    hws_tell_to_wait(state, &next_wait);
    hws_serve(state, discovery.end, 0, next_wait);
  }
  return hws_end_discovery(state, &discovery);
}

/* ---- The leader: sharing ---- */

/** Where all have room, as far as is known: `plan->address`. -1 and a reason if nowhere. */
static int hws_find_hole(struct hws_state *state, struct hws_plan *plan) {
  const char *asked = hws_setting("HWLOC_SHARE_HOLE");
  struct hws_ranges all = {NULL, 0, 0};
  uint64_t heap, stack, top = 0, wanted = 0;
  size_t i, j;
  int result = hws_own_ranges(&all, &heap, &stack);
  for (i = 0; i < all.count; i++)
    if (all.list[i].end > top && all.list[i].end <= 0x7ffffffff000u) /* more is given out only on demand */
      top = all.list[i].end;
  for (i = 0; i < state->member_count; i++)
    for (j = 0; result == 0 && j < state->members[i]->ranges.count; j++)
      result = hws_add_range(&all, state->members[i]->ranges.list[j].start, state->members[i]->ranges.list[j].end);
  hws_merge(&all);
  plan->address = 0;
  if (asked != NULL && strncmp(asked, "0x", 2) == 0 && hws_number(asked + 2, 16, &wanted)) {
    for (i = 0; i < all.count; i++)
      if (all.list[i].start < wanted + plan->length && all.list[i].end > wanted)
        wanted = 0;
    if (wanted % (uint64_t)sysconf(_SC_PAGESIZE) == 0)
      plan->address = wanted;
  } else if (result == 0) {
    if (asked != NULL && strcmp(asked, "scatter") != 0 && plan->generation == 1)
      hws_say(state, "HWLOC_SHARE_HOLE=%s is not known to a leader in C; using scatter", asked);
    plan->address = hws_choose(&all, plan->length, top, hws_hash(state->key, plan->generation));
  }
  free(all.list);
  return plan->address == 0 ? hws_fail(state, "no address is free in all ranks") : 0;
}

/** Makes a plan's file in a directory, with all its room: a full file system kills whoever writes through a mapping. */
static int hws_allocate(int directory, const char *name, uint64_t length) {
  int error, fd = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd == -1)
    return -1;
  error = posix_fallocate(fd, 0, (off_t)length);
  if (error == 0)
    return fd;
  close(fd);
  unlinkat(directory, name, 0);
  errno = error;
  return -1;
}

/** Makes a plan's file: in the channel, or where that has no room in a directory of the same name in another root. */
static int hws_make_file(struct hws_state *state, struct hws_plan *plan) {
  const char *here = state->store[0] == '\0' ? state->root : state->store;
  char root[HWS_ROOT], name[32];
  int i, at, directory, error, fd;
  snprintf(name, sizeof name, "topology.%u", plan->generation);
  snprintf(plan->file, sizeof plan->file, "%s/%s/%s", here, state->name, name);
  directory = open(here, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  at = directory == -1 ? -1 : hws_open_directory(directory, state->name);
  fd = at == -1 ? -1 : hws_allocate(at, name, plan->length);
  error = errno;
  hws_close(&at);
  hws_close(&directory);
  for (i = 0; fd == -1 && state->store[0] == '\0' && hws_root(i, root); i++) {
    if (*root == '\0' || strcmp(root, state->root) == 0)
      continue;
    mkdir(root, 0700);
    at = hws_open_directory(AT_FDCWD, root);
    if (at != -1 && hws_build(at, state->name, 0) == 0) {
      directory = hws_open_directory(at, state->name);
      fd = directory == -1 ? -1 : hws_allocate(directory, name, plan->length);
      hws_close(&directory);
      if (fd == -1)
        hws_remove(at, state->name);
    }
    hws_close(&at);
    if (fd == -1) {
      rmdir(root);
      continue;
    }
    hws_say(state, "%s: posix_fallocate: %s; using the next directory", plan->file, strerror(error));
    memcpy(state->store, root, sizeof root);
    snprintf(plan->file, sizeof plan->file, "%s/%s/%s", root, state->name, name);
  }
  return fd == -1 ? hws_fail(state, "no room for the topology: posix_fallocate: %s", strerror(error)) : fd;
}

/** Writes and seals. 0: done, and the range is reserved. 1: something is mapped there. -1 and a reason: it cannot be done. */
static int hws_write(struct hws_state *state, hwloc_topology_t topology, const struct hws_plan *plan, int fd) {
  void *address = (void *)(uintptr_t)plan->address;
  size_t length = (size_t)plan->length;
  const char *what = "hwloc_shmem_topology_write";
  int result;
  errno = 0;
  result = hwloc_shmem_topology_write(topology, fd, 0, address, length, 0);
  if (result == 0 && hwloc_topology_refresh != NULL && hwloc_get_api_version() >= 0x00020300) {
    /* The seal: without it a query of memory attributes writes to the read-only pages (hwloc 2.3 to 2.15). Older ones have none. */
    hwloc_topology_t adopted;
    what = "hwloc_shmem_topology_adopt";
    result = hwloc_shmem_topology_adopt(&adopted, fd, 0, address, length, 0);
    if (result == 0) {
      int error;
      what = "hwloc_topology_refresh";
      result = mprotect(address, length, PROT_READ | PROT_WRITE) == 0 ? hwloc_topology_refresh(adopted) : -1;
      error = errno;
      hwloc_topology_destroy(adopted);
      errno = error;
    }
  }
  if (result == 0 && (result = hws_reserve(state, plan)) == -1)
    what = "mmap";
  if (result == 0 || result == 1 || errno == EBUSY)
    return result != 0;
  return hws_fail(state, "%s: %s", what, hws_errno_text(errno));
}

/** Plans, and plans again while somebody finds its range taken. The file, sealed, with the range reserved; or -1 and a reason. */
static int hws_plan_all(struct hws_state *state, hwloc_topology_t topology, struct hws_plan *plan) {
  struct hws_plan next;
  size_t length;
  int fd = -1, written, generation;
  if (hwloc_shmem_topology_get_length(topology, &length, 0) == -1)
    return hws_fail(state, "hwloc_shmem_topology_get_length: %s", hws_errno_text(errno));
  for (generation = 1; generation <= HWS_PLANS; generation++) {
    struct hws_text text = {NULL, 0, 0, 0};
    int next_fd;
    memset(&next, 0, sizeof next);
    next.generation = (unsigned)generation;
    next.length = length;
    next.abi = state->abi;
    /* Whoever reserved under the plan before this one still has its reservation. */
    if (hws_find_hole(state, &next) == -1 || (next_fd = hws_make_file(state, &next)) == -1)
      return fd;
    if (fd != -1) {
      close(fd);
      unlink(plan->file);
      hws_drop_reservation(state);
    }
    *plan = next;
    fd = next_fd;
    hws_add_plan(&text, plan);
    written = text.has_failed ? hws_fail(state, "out of memory") : 0;
    if (written == 0) {
      hws_tell_all(state, HWS_READY, HWS_RESERVED, HWS_PLANNED, text.data);
      written = hws_write(state, topology, plan, fd);
      hws_serve_until(state, HWS_PLANNED, HWS_BUSY, plan->generation);
    }
    free(text.data);
    if (written != 0) {
      close(fd);
      unlink(plan->file);
      fd = -1;
    }
    if (written == -1 || (written == 0 && hws_count_in_stages(state, HWS_REPLAN, HWS_REPLAN) == 0))
      return fd;
  }
  return fd != -1 ? fd : hws_fail(state, "its range was taken in each of the plans");
}

/** Sends the members in these stages to the ladder, with XML if it can be written. */
static void hws_help(struct hws_state *state, hwloc_topology_t topology, enum hws_stage first, enum hws_stage last,
                     const char *reason) {
  char file[HWS_PATH], *text;
  int length, has_xml = 0, is_this_system = topology != NULL && hwloc_topology_is_thissystem(topology);
  size_t i;
  if (hws_count_in_stages(state, first, last) == 0)
    return;
  if (topology != NULL && !(has_xml = hws_is_there(state->channel, "topology.xml")) &&
      hwloc_topology_export_xmlbuffer(topology, &text, &length, HWS_XML_FLAGS) == 0) {
    /* The length counts the NUL at the end. */
    has_xml = hws_write_new(state->channel, "topology.xml", text, strlen(text)) == 0;
    hwloc_free_xmlbuffer(topology, text);
  }
  snprintf(file, sizeof file, "%s/%s/topology.xml", state->root, state->name);
  for (i = 0; i < state->member_count; i++) {
    struct hws_member *member = state->members[i];
    if (member->stage >= first && member->stage <= last)
      hws_send_to_ladder(member, member->stage == HWS_DECLINED ? member->reason : reason, has_xml ? file : NULL,
                         is_this_system);
  }
}

/** Whether a rank may still come that has no topology of this channel yet. */
static int hws_may_come(const struct hws_state *state) {
  struct hws_list missing;
  size_t i;
  hws_missing(state, &missing);
  for (i = 0; i < state->member_count; i++)
    missing.count += state->members[i]->is_dropped;
  return missing.count + (int)state->away_count > 0;
}

/** Leaves the plan for those who come late, and sends those to it for whom there were no descriptors. */
static void hws_publish_plan(struct hws_state *state, const struct hws_plan *plan) {
  struct hws_text text = {NULL, 0, 0, 0};
  size_t i;
  hws_add_plan(&text, plan);
  if (!text.has_failed)
    hws_publish(state->channel, "plan", text.data);
  free(text.data);
  for (i = 0; i < state->away_count; i++) {
    double deadline = hws_now() + state->timeout;
    struct hws_reader *reader = malloc(sizeof *reader);
    struct pollfd end;
    int down;
    end.events = POLLIN;
    if (reader != NULL && hws_open_pair(state, state->away[i].pipe, &end.fd, &down) == 0) {
      hws_unlink_pair(state, state->away[i].pipe);
      /* It sees that nobody talks to it, finds the plan, and lets go of its end when it is through. */
      close(down);
      do {
        reader->used = 0;
        poll(&end, 1, 100);
      } while (hws_read_some(reader, end.fd) != -1 && hws_now() < deadline);
      close(end.fd);
    }
    free(reader);
  }
}

/** What remains to be done when this process ends: somebody may have come late until then. */
static struct {
  pid_t pid; /* 0: nothing */
  int leads;
  char root[HWS_ROOT], name[HWS_NAME], store[HWS_ROOT];
} hws_end;

/** Removes the leader's files; or the channel of a leader that never came, or died before it could. */
static void hws_tidy(void) {
  char path[HWS_PATH], line[256];
  if (hws_end.pid != getpid())
    return; /* a child of this rank */
  hws_end.pid = 0;
  snprintf(path, sizeof path, "%s/%s/leader", hws_end.root, hws_end.name);
  if (!hws_end.leads && hws_read_small(AT_FDCWD, path, line, sizeof line) == 0 && !hws_is_dead(line))
    return;
  hws_remove_channel(hws_end.root, hws_end.name);
  if (hws_end.store[0] != '\0')
    hws_remove_channel(hws_end.store, hws_end.name);
}

/** Claims the lead. -1 and a reason if somebody leads here, or did, or if it cannot be. */
static int hws_claim(struct hws_state *state) {
  struct hws_process self;
  char line[160];
  /* Before the mark: a leader that has made it and has no pulse is taken for dead. */
  state->pulse = hws_open_fifo(state->channel, "pulse", O_RDWR);
  if (state->pulse == -1 || hws_look_at((int)getpid(), &self) == -1)
    return hws_fail(state, "%.300s/%s/pulse: %s", state->root, state->name, strerror(errno));
  hws_process_line(&self, line);
  if (hws_write_new(state->channel, "leader", line, strlen(line)) == -1)
    return hws_fail(state,
                    errno == EEXIST ? "another process leads, or led, the ranks of this node" : "no room to lead");
  hws_end.leads = 1;
  state->lobby = hws_open_fifo(state->channel, "lobby", O_RDWR);
  return state->lobby == -1 ? hws_fail(state, "%.300s/%s/lobby: %s", state->root, state->name, strerror(errno)) : 0;
}

/** Shares a topology. Those who cannot adopt get it as XML. `plan` is what was adopted; -1 and a reason if nothing was. */
static int hws_share(struct hws_state *state, hwloc_topology_t topology, struct hws_plan *plan) {
  char release[64];
  int fd = topology == NULL ? -1 : hws_plan_all(state, topology, plan);
  if (fd == -1) {
    hws_help(state, topology, HWS_READY, HWS_DECLINED, state->session.reason);
  } else {
    snprintf(release, sizeof release, "release generation=%u\n", plan->generation);
    hws_tell_all(state, HWS_RESERVED, HWS_RESERVED, HWS_RELEASED, release);
    hws_adopt(state, plan);
    hws_serve_until(state, HWS_RELEASED, HWS_RELEASED, plan->generation);
    hws_help(state, topology, HWS_REPLAN, HWS_DECLINED, "its range was taken in each of the plans");
    close(fd);
  }
  hws_serve_until(state, HWS_LADDER, HWS_LADDER, 0);
  return fd == -1 ? -1 : 0;
}

static int hws_join_as_leader(struct hws_state *state) {
  hwloc_share_session *session = &state->session;
  hwloc_topology_t topology;
  struct hws_plan plan;
  state->alone = "this rank did not meet the others";
  state->has_ended = calloc((size_t)session->local_size, 1);
  if (state->has_ended == NULL || hws_claim(state) == -1) {
    hws_close(&state->pulse);
    return hws_take_ladder(state, NULL, 0);
  }
  state->alone = NULL;
  state->leads = 1;
  state->room = hws_room();
  topology = hws_discover_and_gather(state);
  session->did_discover = 1;
  if (hws_share(state, topology, &plan) == 0 && hws_may_come(state))
    hws_publish_plan(state, &plan);
  /* Who comes from now on finds the plan, or that the leader is through. */
  hws_close(&state->pulse);
  memcpy(hws_end.store, state->store, sizeof state->store);
  if (!hws_may_come(state))
    hws_tidy();

  if (session->topology != NULL) {
    hwloc_topology_destroy(topology);
    return HWLOC_SHARE_SUCCESS;
  }
  hws_drop_reservation(state);
  if (topology == NULL)
    return HWLOC_SHARE_ENOTOPOLOGY;
  if (state->is_strict) {
    hwloc_topology_destroy(topology);
    return HWLOC_SHARE_ENOTSHARED;
  }
  session->topology = topology;
  session->how = HWLOC_SHARE_DISCOVERED;
  hws_say(state, "%s; keeping its own copy of the topology", session->reason);
  return HWLOC_SHARE_SUCCESS;
}

static int hws_leader_barrier(struct hws_state *state) {
  char text[64];
  size_t i;
  int is_open = 0;
  while (!is_open) {
    is_open = 1;
    for (i = 0; i < state->member_count; i++)
      is_open = is_open && (state->members[i]->stage == HWS_GONE || state->members[i]->barrier >= state->barrier);
    if (!is_open)
      hws_serve(state, -1, 0, 0);
  }
  snprintf(text, sizeof text, "open number=%llu\n", (unsigned long long)state->barrier);
  hws_tell_all(state, HWS_DONE, HWS_DONE, HWS_DONE, text);
  return HWLOC_SHARE_SUCCESS;
}

/* ---- The session ---- */

static void hws_free(struct hws_state *state) {
  size_t i;
  for (i = 0; i < state->member_count; i++) {
    hws_let_go(state->members[i], 0);
    free(state->members[i]);
  }
  hws_drop_reservation(state);
  hws_hang_up(state);
  hws_close(&state->pulse);
  hws_close(&state->lobby);
  hws_close(&state->channel);
  free(state->members);
  free(state->has_ended);
  free(state->sightings);
  free(state->away);
  free(state->outgoing.data);
  free(state);
}

/** Joins the others, if there are any. A code. */
static int hws_join(struct hws_state *state, const char *trouble) {
  static int is_registered;
  hwloc_share_session *session = &state->session;
  const char *job = hws_setting("HWLOC_SHARE_JOB"), *joined = hws_setting("HWLOC_SHARE_JOINED");
  char mark[sizeof state->key + 32];
  int code;
  if (state->identity.step[0] == '\0' || session->local_rank == -1 || session->local_size == -1 || session->local_size == 1) {
    state->leads = 1; /* of nobody */
    if (trouble != NULL)
      hws_say(state, "%s", trouble);
    else if (state->identity.launcher != NULL && state->identity.step[0] == '\0' && session->local_size != 1)
      hws_fail(state, "%s does not name its jobs, and its process cannot be seen from this container", state->identity.launcher);
    return hws_take_ladder(state, NULL, 0);
  }
  snprintf(state->key, sizeof state->key, "%.1000s%s%s", job == NULL ? "" : job, job == NULL ? "" : ".",
           state->identity.step);
  hws_name_of_key(state->key, state->name);
  snprintf(mark, sizeof mark, "%s/%d", state->key, session->local_rank);
  state->alone = "this rank did not meet the others";
  state->sightings = calloc((size_t)session->local_size, sizeof *state->sightings);
  /* A rank in Node adds which of its threads has joined. */
  if (joined != NULL && strncmp(joined, mark, strlen(mark)) == 0 && strchr(" ", joined[strlen(mark)]) != NULL) {
    hws_fail(state, "this rank has joined before, or its parent process has");
    return hws_take_ladder(state, NULL, 0);
  }
  setenv("HWLOC_SHARE_JOINED", mark, 1);
  state->abi = hws_abi();
  if (state->sightings == NULL || hws_enter(state) == -1)
    return hws_take_ladder(state, NULL, 0);
  hws_end.pid = state->pid;
  hws_end.leads = 0;
  hws_end.store[0] = '\0';
  memcpy(hws_end.root, state->root, sizeof state->root);
  memcpy(hws_end.name, state->name, sizeof state->name);
  if (!is_registered)
    is_registered = atexit(hws_tidy) == 0;
  if (session->local_rank == 0)
    return hws_join_as_leader(state);
  state->alone = NULL;
  code = hws_join_as_member(state);
  return code;
}

int hwloc_share_join(hwloc_share_session *session, const hwloc_share_options *options) {
  struct hws_state *state;
  const char *trouble, *timeout = hws_setting("HWLOC_SHARE_TIMEOUT");
  int code;
  if (session == NULL)
    return HWLOC_SHARE_EINVAL;
  memset(session, 0, sizeof *session);
  if (hws_state != NULL) { /* a mapping can be adopted only once in a process */
    hws_state->references++;
    *session = hws_state->session;
    return HWLOC_SHARE_SUCCESS;
  }
  state = calloc(1, sizeof *state);
  if (state == NULL) {
    snprintf(session->reason, sizeof session->reason, "out of memory");
    return HWLOC_SHARE_ENOTOPOLOGY;
  }
  state->references = 1;
  state->pid = getpid();
  state->channel = state->up = state->down = state->lobby = state->pulse = -1;
  state->timeout = options != NULL && options->timeout != 0 ? options->timeout : timeout != NULL ? atof(timeout) : 30;
  if (!(state->timeout > 0 && state->timeout <= 86400))
    state->timeout = 30;
  state->is_strict = options != NULL && options->strict != 0 ? options->strict > 0 : hws_is_on("HWLOC_SHARE_STRICT");
  state->is_verbose = hws_is_on("HWLOC_SHARE_VERBOSE");
  trouble = hws_identify(environ, (int)getppid(), &state->identity);
  state->session.rank = state->identity.rank;
  state->session.size = state->identity.size;
  state->session.local_rank = state->identity.local_rank;
  state->session.local_size = state->identity.local_size;
  memcpy(state->session.node, state->identity.node, sizeof state->session.node);
  hws_own_allowed(state->session.allowed_cpus, state->session.allowed_mems);

  code = hws_join(state, trouble);
  *session = state->session;
  if (code != HWLOC_SHARE_SUCCESS) {
    hws_free(state);
    return code;
  }
  hws_close(&state->channel);
  if (state->is_verbose && session->how == HWLOC_SHARE_ADOPTED)
    hws_say(state, "adopted the topology at %p, %lu bytes", session->address, (unsigned long)session->length);
  hws_state = state;
  return HWLOC_SHARE_SUCCESS;
}

int hwloc_share_barrier(hwloc_share_session *session) {
  struct hws_state *state = hws_state;
  if (session == NULL || session->topology == NULL || state == NULL)
    return HWLOC_SHARE_EINVAL;
  if (state->alone != NULL)
    return hws_pass_alone(state);
  state->barrier++;
  return state->leads ? hws_leader_barrier(state) : hws_member_barrier(state);
}

int hwloc_share_close(hwloc_share_session *session) {
  if (session == NULL || session->topology == NULL || hws_state == NULL)
    return HWLOC_SHARE_EINVAL;
  session->topology = NULL;
  if (--hws_state->references > 0)
    return HWLOC_SHARE_SUCCESS;
  hwloc_topology_destroy(hws_state->session.topology);
  hws_free(hws_state);
  hws_state = NULL;
  return HWLOC_SHARE_SUCCESS;
}

const char *hwloc_share_strerror(int code) {
  switch (code) {
  case HWLOC_SHARE_SUCCESS:
    return "success";
  case HWLOC_SHARE_ALONE:
    return "the barrier was passed without the others";
  case HWLOC_SHARE_ENOTSHARED:
    return "the topology could not be shared";
  case HWLOC_SHARE_ENOTOPOLOGY:
    return "libhwloc could not discover this machine";
  case HWLOC_SHARE_EINVAL:
    return "a bad argument, or a session that is not open";
  default:
    return "no code of hwloc-share";
  }
}

#endif /* HWLOC_SHARE_IMPLEMENTATION */
#endif /* HWLOC_SHARE_H */
