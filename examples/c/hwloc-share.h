/* One hwloc topology for all ranks of a node: a rank in C, by the pipe protocol of hwloc-share (docs/protocol.md).
 *
 * This one file is all there is: no dependency but libhwloc (2.0 or later) and libc. In exactly one .c file:
 *
 *     #define HWLOC_SHARE_IMPLEMENTATION
 *     #include "hwloc-share.h"           // before any other header, or compile with -D_GNU_SOURCE
 *
 * and in the others just the include. Link with -lhwloc -pthread. Then:
 *
 *     hwloc_share_session session;
 *     if (hwloc_share_join(&session, NULL) != HWLOC_SHARE_SUCCESS)
 *       errx(1, "%s", session.reason);
 *     int cores = hwloc_get_nbobjs_by_type(session.topology, HWLOC_OBJ_CORE);
 *     hwloc_share_barrier(&session);
 *     hwloc_share_close(&session);
 *
 * Ranks in C share with ranks in other languages of the same job. Any of them may be the leader. Linux only.
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

/** What the functions return. Those below 0 are failures. */
enum hwloc_share_code {
  HWLOC_SHARE_SUCCESS = 0,
  /** hwloc_share_barrier(): passed, but nobody was waited for: the leader has gone, or this rank was late. */
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
  /** Mapped: the same pages as in the other ranks. Read-only, see hwloc/shmem.h. */
  HWLOC_SHARE_ADOPTED,
  /** A private copy, loaded from the XML of the leader. */
  HWLOC_SHARE_XML,
  /** A private copy, from a discovery of one's own. */
  HWLOC_SHARE_DISCOVERED
};

/** All zero is the default, as is NULL in place of it. */
typedef struct hwloc_share_options {
  /** Seconds to wait for ranks that do not come. 0: HWLOC_SHARE_TIMEOUT, else 30. */
  double timeout;
  /** 1: fail rather than use a private copy. -1: use one even if HWLOC_SHARE_STRICT is set. 0: as HWLOC_SHARE_STRICT says. */
  int strict;
} hwloc_share_options;

/** What a rank got. To be read only. */
typedef struct hwloc_share_session {
  /** Valid until hwloc_share_close(), which destroys it. */
  hwloc_topology_t topology;
  enum hwloc_share_how how;
  /** Why it is not HWLOC_SHARE_ADOPTED, or why hwloc_share_join() failed; empty if all went well. */
  char reason[512];
  /** The number of this process in the job, and the count of all; 0 and 1 where no launcher is known. */
  int rank, size;
  /** The same on this node. Local rank 0 is the leader: it discovers, the others adopt. */
  int local_rank, local_size;
  /** The name of this node. */
  char node[256];
  /** Where the topology is mapped, and how many bytes; NULL and 0 where it is not HWLOC_SHARE_ADOPTED. */
  void *address;
  size_t length;
  /** Whether this process discovered the machine itself. */
  int did_discover;
} hwloc_share_session;

/**
 * Joins the other ranks of this node, and gets the topology that they share.
 *
 * To be called by every rank of the job, by one thread at a time. Blocks until the other ranks of the node are there, or the
 * timeout is over. Whatever goes wrong, the rank gets a correct topology, if need be one of its own, and one line on stderr says
 * why. A second call in the same process gets the same topology; each needs a hwloc_share_close() of its own.
 *
 * \return HWLOC_SHARE_SUCCESS; HWLOC_SHARE_ENOTSHARED, only if strict; HWLOC_SHARE_ENOTOPOLOGY; HWLOC_SHARE_EINVAL.
 * After a failure nothing needs to be closed, and `session->reason` says what went wrong.
 */
int hwloc_share_join(hwloc_share_session *session, const hwloc_share_options *options);

/**
 * Waits until all ranks of this node that share are here. A rank that dies is not waited for; there is no timeout.
 *
 * \return HWLOC_SHARE_SUCCESS, HWLOC_SHARE_ALONE, or HWLOC_SHARE_EINVAL.
 */
int hwloc_share_barrier(hwloc_share_session *session);

/**
 * Destroys the topology, and removes what this process made on the node. Waits for nobody: the others keep their topology.
 *
 * \return HWLOC_SHARE_SUCCESS or HWLOC_SHARE_EINVAL.
 */
int hwloc_share_close(hwloc_share_session *session);

/** The text of a `enum hwloc_share_code`. */
const char *hwloc_share_strerror(int code);

#ifdef __cplusplus
}
#endif

/* ============================================================================================================================ */

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
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#ifndef O_CLOEXEC
#error "include hwloc-share.h before any other header, or compile with -D_GNU_SOURCE"
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define HWS_VERSION 1
#define HWS_LINE 8192
#define HWS_MOST_RANGES 65536
#define HWS_PLANS 5
#define HWS_LOOK 0.25 /* seconds */
#define HWS_SPARE 8   /* descriptors that the leader keeps back from members, to have some for files */
#define HWS_PATH (PATH_MAX + 512)

extern char **environ;

/* ---- Texts ---- */

static double hws_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/** A text that grows. After `failed` (no memory) nothing more is added. */
struct hws_text {
  char *data;
  size_t used, size;
  int failed;
};

static void hws_add(struct hws_text *text, const char *format, ...) {
  for (;;) {
    va_list words;
    size_t room = text->size - text->used;
    int needed;
    if (text->failed)
      return;
    va_start(words, format);
    needed = vsnprintf(text->data == NULL ? NULL : text->data + text->used, room, format, words);
    va_end(words);
    if (needed >= 0 && (size_t)needed < room) {
      text->used += (size_t)needed;
      return;
    }
    {
      size_t size = (text->size + (needed < 0 ? 0 : (size_t)needed)) * 2 + 256;
      char *data = needed < 0 ? NULL : realloc(text->data, size);
      if (data == NULL) {
        text->failed = 1;
        return;
      }
      text->data = data;
      text->size = size;
    }
  }
}

/** A value of a message: what is not printable ASCII, and `%`, as `%XX`. */
static void hws_add_value(struct hws_text *text, const char *key, const char *value) {
  hws_add(text, " %s=", key);
  for (; *value != '\0'; value++) {
    if (*value > ' ' && *value <= '~' && *value != '%')
      hws_add(text, "%c", *value);
    else
      hws_add(text, "%%%02X", (unsigned)(unsigned char)*value);
  }
}

/** A whole word as a number. 0 if it is none, or too big. */
static int hws_number(const char *word, int base, uint64_t *value) {
  const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
  if (word == NULL || *word == '\0' || word[strspn(word, digits)] != '\0')
    return 0;
  errno = 0;
  *value = strtoull(word, NULL, base);
  return errno == 0;
}

static int hws_count(const char *word, int *value) {
  uint64_t number;
  if (!hws_number(word, 10, &number) || number > INT_MAX)
    return 0;
  *value = (int)number;
  return 1;
}

/** Reads a small file of /proc, /sys or a channel into a text without its last newline. -1 if it cannot be read. */
static int hws_read_small(int directory, const char *name, char *text, size_t size) {
  struct stat found;
  size_t used = 0;
  int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd == -1)
    return -1;
  if (fstat(fd, &found) == -1 || !S_ISREG(found.st_mode)) {
    close(fd);
    return -1;
  }
  while (used < size - 1) {
    ssize_t got = read(fd, text + used, size - 1 - used);
    if (got == -1 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    used += (size_t)got;
  }
  close(fd);
  if (used > 0 && text[used - 1] == '\n')
    used--;
  text[used] = '\0';
  return 0;
}

/* ---- Who am I ---- */

/** A process: its pid, and when it started, since pids are used again. */
struct hws_process {
  int pid, parent;
  uint64_t start;
  int is_dead;
  char command[32];
};

/** -1 if there is no such process. */
static int hws_look_at(int pid, struct hws_process *process) {
  char path[64], text[1024], *name, *field;
  int number;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (hws_read_small(AT_FDCWD, path, text, sizeof text) == -1)
    return -1;
  /* The second field is the command in parentheses, which may hold spaces and parentheses itself. */
  name = strchr(text, '(');
  field = strrchr(text, ')');
  if (name == NULL || field == NULL)
    return -1;
  *field++ = '\0';
  memset(process, 0, sizeof *process);
  process->pid = pid;
  snprintf(process->command, sizeof process->command, "%.31s", name + 1);
  field = strtok(field, " ");
  for (number = 3; field != NULL && number < 22; number++) {
    if (number == 3)
      process->is_dead = *field == 'Z' || *field == 'X';
    if (number == 4)
      process->parent = atoi(field);
    field = strtok(NULL, " ");
  }
  return hws_number(field, 10, &process->start) ? 0 : -1;
}

/** The nearest ancestor whose command begins with one of these; the parent if there is none. */
static int hws_ancestor(const char *const *commands, struct hws_process *found) {
  struct hws_process process;
  int pid = (int)getppid(), level, i;
  if (hws_look_at(pid, found) == -1)
    return -1;
  for (level = 0; pid > 1 && level < 64 && hws_look_at(pid, &process) == 0; level++) {
    for (i = 0; commands[i] != NULL; i++)
      if (strncmp(process.command, commands[i], strlen(commands[i])) == 0) {
        *found = process;
        return 0;
      }
    pid = process.parent;
  }
  return 0;
}

struct hws_identity {
  int rank, size, local_rank, local_size;
  char step[768]; /* empty: no launcher that is known here */
  char node[256];
};

/** Item `number` of a list such as "2(x3),1", which stands for 2,2,2,1. */
static int hws_tasks_on_node(const char *list, int number, int *tasks) {
  while (list != NULL && *list != '\0') {
    char *end;
    long count = strtol(list, &end, 10), times = 1;
    if (end == list || count < 0 || count > INT_MAX)
      return 0;
    if (strncmp(end, "(x", 2) == 0) {
      times = strtol(end + 2, &end, 10);
      if (*end++ != ')' || times < 1)
        return 0;
    }
    if (number < times) {
      *tasks = (int)count;
      return 1;
    }
    number -= (int)(times > INT_MAX ? INT_MAX : times);
    list = *end == ',' ? end + 1 : NULL;
  }
  return 0;
}

static const char *const hws_hydra[] = {"hydra_pmi_proxy", "pmi_proxy", NULL};

static void hws_identify(struct hws_identity *me) {
  char host[256] = "localhost";
  const char *word, *step;
  struct hws_process proxy;
  int node, is_known = 0;
  memset(me, 0, sizeof *me);
  gethostname(host, sizeof host - 1);
  snprintf(me->node, sizeof me->node, "%s", host);

  if (getenv("HWLOC_SHARE_RANK") != NULL) {
    is_known = hws_count(getenv("HWLOC_SHARE_RANK"), &me->rank) && hws_count(getenv("HWLOC_SHARE_SIZE"), &me->size) &&
               hws_count(getenv("HWLOC_SHARE_LOCAL_RANK"), &me->local_rank) &&
               hws_count(getenv("HWLOC_SHARE_LOCAL_SIZE"), &me->local_size);
    snprintf(me->step, sizeof me->step, "local@%s", host);
  } else if (getenv("OMPI_COMM_WORLD_RANK") != NULL) {
    word = getenv("PMIX_NAMESPACE");
    is_known = word != NULL && hws_count(getenv("OMPI_COMM_WORLD_RANK"), &me->rank) &&
               hws_count(getenv("OMPI_COMM_WORLD_SIZE"), &me->size) &&
               hws_count(getenv("OMPI_COMM_WORLD_LOCAL_RANK"), &me->local_rank) &&
               hws_count(getenv("OMPI_COMM_WORLD_LOCAL_SIZE"), &me->local_size);
    snprintf(me->step, sizeof me->step, "openmpi-%.400s@%s", word == NULL ? "" : word, host);
  } else if (getenv("PMI_RANK") != NULL && getenv("MPI_LOCALRANKID") != NULL) {
    is_known = hws_count(getenv("PMI_RANK"), &me->rank) && hws_count(getenv("PMI_SIZE"), &me->size) &&
               hws_count(getenv("MPI_LOCALRANKID"), &me->local_rank) &&
               hws_count(getenv("MPI_LOCALNRANKS"), &me->local_size) && hws_ancestor(hws_hydra, &proxy) == 0;
    if (is_known)
      snprintf(me->step, sizeof me->step, "mpich-%d-%llu@%s", proxy.pid, (unsigned long long)proxy.start, host);
  } else if (getenv("SLURM_PROCID") != NULL && getenv("SLURM_STEP_TASKS_PER_NODE") != NULL) {
    word = getenv("SLURM_JOB_ID");
    step = getenv("SLURM_STEP_ID");
    is_known = word != NULL && step != NULL && hws_count(getenv("SLURM_PROCID"), &me->rank) &&
               hws_count(getenv("SLURM_NTASKS"), &me->size) && hws_count(getenv("SLURM_LOCALID"), &me->local_rank) &&
               hws_count(getenv("SLURM_NODEID"), &node) &&
               hws_tasks_on_node(getenv("SLURM_STEP_TASKS_PER_NODE"), node, &me->local_size);
    if (is_known && getenv("SLURMD_NODENAME") != NULL)
      snprintf(me->node, sizeof me->node, "%s", getenv("SLURMD_NODENAME"));
    snprintf(me->step, sizeof me->step, "slurm-%.200s.%.200s@%s", word == NULL ? "" : word, step == NULL ? "" : step,
             me->node);
  }
  if (is_known && me->rank < me->size && me->local_rank < me->local_size && me->local_size <= me->size)
    return;
  me->rank = me->local_rank = 0;
  me->size = me->local_size = 1;
  me->step[0] = '\0';
}

/* ---- The state of this process, of which there is one ---- */

struct hws_range {
  uint64_t start, end; /* end exclusive */
};

struct hws_ranges {
  struct hws_range *list;
  size_t count, size;
};

struct hws_reader {
  char buffer[HWS_LINE];
  size_t used;
};

struct hws_plan {
  unsigned generation;
  char file[HWS_PATH + 256];
  uint64_t offset, address, length, abi;
};

/** Where a member is, as its leader sees it. */
enum hws_stage {
  HWS_HELLO,    /* announced: its hello must come */
  HWS_RANGES,   /* its ranges and `end` must come */
  HWS_READY,    /* it waits for a plan */
  HWS_PLANNED,  /* it must answer to the plan */
  HWS_BUSY,     /* as HWS_RANGES, after `busy` */
  HWS_REPLAN,   /* busy, and its ranges are here */
  HWS_RESERVED, /* it waits for the release */
  HWS_RELEASED, /* its `done` or `failed` must come */
  HWS_DECLINED, /* it cannot adopt, and waits for a ladder */
  HWS_LADDER,   /* it was sent to the ladder: its `done` must come */
  HWS_DONE,     /* it has a topology */
  HWS_GONE      /* dead, refused or dropped */
};

struct hws_member {
  int local, up, down;
  enum hws_stage stage;
  int is_dropped; /* gone, but it may come back as a late joiner */
  struct hws_reader reader;
  struct hws_ranges ranges;
  char cpus[1024], mems[1024];
  uint64_t barrier;
};

struct hws_state {
  int references;
  hwloc_share_session session;
  pid_t pid;
  double timeout;
  int is_strict, is_verbose;
  char root[HWS_PATH], key[128]; /* the channel */
  int channel;                   /* its directory, -1 if there is none */
  void *reserved;                /* the range that is kept free, NULL if there is none */
  size_t reserved_length;
  uint64_t barrier;
  int is_alone;

  /* a member */
  int up, down;
  struct hws_reader reader;
  struct hws_text outgoing;
  size_t sent;

  /* the leader */
  int lobby, pulse;
  int leads, owns_channel;
  struct hws_reader lobby_reader;
  int nonsense; /* announcements that were none */
  struct hws_member **members;
  size_t member_count;
  char *is_dead; /* by local rank: it ended before it announced itself */
  char (*away)[72]; /* pipes of members for which no descriptors were left */
  size_t away_count;
  char store_root[HWS_PATH]; /* where the topology's file is, if not in the channel; else empty */
  uint64_t abi;
};

static struct hws_state *hws_state;

/** One line on stderr: who, what, why. */
static void hws_say(const struct hws_state *state, const char *format, ...) {
  char line[1024];
  va_list words;
  size_t used;
  snprintf(line, sizeof line, "hwloc-share: node %.255s, rank %d: ", state->session.node, state->session.rank);
  used = strlen(line);
  va_start(words, format);
  vsnprintf(line + used, sizeof line - used - 1, format, words);
  va_end(words);
  strcat(line, "\n");
  if (write(STDERR_FILENO, line, strlen(line)) == -1)
    return;
}

/** Notes why this rank cannot share. Always -1. */
static int hws_fail(struct hws_state *state, const char *format, ...) {
  va_list words;
  va_start(words, format);
  vsnprintf(state->session.reason, sizeof state->session.reason, format, words);
  va_end(words);
  return -1;
}

static void hws_close(int *fd) {
  if (*fd != -1)
    close(*fd);
  *fd = -1;
}

/* ---- The channel: ROOT/KEY ---- */

/** The name of the channel's directory: KEY, or what stands for one that is no name for a directory. */
static void hws_name_of_key(const char *key, char name[128]) {
  const unsigned char *byte = (const unsigned char *)key;
  uint32_t hash = 2166136261u;
  size_t units = 0, used = 0;
  int is_plain = *key != '.';
  while (*byte != '\0') {
    uint32_t point = *byte, unit[2];
    int more = point < 0x80 ? 0 : (point & 0xe0) == 0xc0 ? 1 : (point & 0xf0) == 0xe0 ? 2 : (point & 0xf8) == 0xf0 ? 3 : -1;
    int i, count = 1;
    byte++;
    point &= more == 0 ? 0x7fu : more == 1 ? 0x1fu : more == 2 ? 0x0fu : 0x07u;
    for (i = 0; i < more && (*byte & 0xc0) == 0x80; i++)
      point = point << 6 | (*byte++ & 0x3fu);
    if (more == -1 || i < more)
      point = 0xfffd;
    unit[0] = point;
    if (point > 0xffff) {
      unit[0] = 0xd800 + ((point - 0x10000) >> 10);
      unit[1] = 0xdc00 + ((point - 0x10000) & 0x3ff);
      count = 2;
    }
    for (i = 0; i < count; i++, units++) {
      int is_good = unit[i] < 0x80 && unit[i] != 0 &&
                    strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-", (int)unit[i]) != NULL;
      hash = (hash ^ unit[i]) * 16777619u;
      is_plain = is_plain && is_good;
      if (used < 120)
        name[used++] = (char)(is_good && !(units == 0 && unit[i] == '.') ? unit[i] : '_');
    }
  }
  if (is_plain && units <= 120 && units > 0)
    name[used] = '\0';
  else
    snprintf(name + (used < 100 ? used : 100), 16, "-%08x", (unsigned)hash);
}

/** Whether what is open is of this type, of this user, and closed to others. */
static int hws_is_ours(int fd, mode_t type) {
  struct stat found;
  return fstat(fd, &found) == 0 && (found.st_mode & S_IFMT) == type && found.st_uid == geteuid() &&
         (found.st_mode & 077) == 0;
}

static int hws_open_directory(int at, const char *name) {
  int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd != -1 && !hws_is_ours(fd, S_IFDIR)) {
    close(fd);
    errno = EPERM;
    return -1;
  }
  return fd;
}

static int hws_open_fifo(int at, const char *name, int flags) {
  int fd = openat(at, name, flags | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  if (fd != -1 && !hws_is_ours(fd, S_IFIFO)) {
    close(fd);
    errno = EPERM;
    return -1;
  }
  return fd;
}

/** Writes a small new file. -1 and errno if it could not, or if there is one. */
static int hws_write_small(int at, const char *name, const char *text) {
  size_t length = strlen(text);
  ssize_t written;
  int fd = openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd == -1)
    return -1;
  written = write(fd, text, length);
  close(fd);
  if (written == (ssize_t)length)
    return 0;
  errno = written == -1 ? errno : ENOSPC;
  unlinkat(at, name, 0);
  return -1;
}

/** Another name for a directory on its way in or out: this process's own, so that a sweep knows whose it is. */
static void hws_passing_name(char *name, size_t size) {
  char namespace[64] = "0", *digits;
  struct hws_process self;
  ssize_t length = readlink("/proc/self/ns/pid", namespace, sizeof namespace - 1);
  namespace[length < 0 ? 0 : length] = '\0';
  digits = namespace + strcspn(namespace, "0123456789");
  digits[strspn(digits, "0123456789")] = '\0';
  if (hws_look_at((int)getpid(), &self) == -1)
    self.start = 0;
  snprintf(name, size, ".building-%d-%llu-%s", (int)getpid(), (unsigned long long)self.start, digits);
}

/** The line of `keeper` and `leader`. */
static void hws_process_line(const struct hws_process *process, char *line, size_t size) {
  char namespace[64] = "";
  ssize_t length = readlink("/proc/self/ns/pid", namespace, sizeof namespace - 1);
  namespace[length < 0 ? 0 : length] = '\0';
  snprintf(line, size, "pid=%d start=%llu namespace=%s\n", process->pid, (unsigned long long)process->start, namespace);
}

/** The process whose end means that the job has ended. */
static int hws_keeper(struct hws_process *keeper) {
  static const char *const launchers[] = {"hydra_pmi_proxy", "pmi_proxy", "mpirun",      "mpiexec", "orterun",
                                          "orted",           "prted",     "slurmstepd", NULL};
  int pid;
  if (hws_count(getenv("HWLOC_SHARE_KEEPER"), &pid) && hws_look_at(pid, keeper) == 0)
    return 0;
  return hws_ancestor(launchers, keeper);
}

/** Whether the process of a `keeper` or `leader` line is known to be dead. */
static int hws_line_is_dead(const char *line) {
  struct hws_process process;
  char namespace[64] = "", theirs[64];
  unsigned long long start;
  int pid;
  ssize_t length = readlink("/proc/self/ns/pid", namespace, sizeof namespace - 1);
  namespace[length < 0 ? 0 : length] = '\0';
  if (sscanf(line, "pid=%d start=%llu namespace=%63s", &pid, &start, theirs) != 3 || strcmp(theirs, namespace) != 0)
    return 0;
  return hws_look_at(pid, &process) == -1 || process.start != start || process.is_dead;
}

/** Removes a directory and the files in it. */
static void hws_remove_directory(int at, const char *name) {
  int attempt;
  for (attempt = 0; attempt < 10; attempt++) {
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd == -1 ? NULL : fdopendir(fd);
    struct dirent *entry;
    if (directory == NULL) {
      hws_close(&fd);
      return;
    }
    while ((entry = readdir(directory)) != NULL)
      unlinkat(fd, entry->d_name, 0);
    closedir(directory);
    /* Somebody may have put a FIFO into it meanwhile. */
    if (unlinkat(at, name, AT_REMOVEDIR) == 0 || (errno != ENOTEMPTY && errno != EEXIST))
      return;
  }
}

/** Removes ROOT/KEY, and ROOT if nothing else is in it. */
static void hws_remove_channel(const char *root, const char *key) {
  char passing[128];
  int fd = hws_open_directory(AT_FDCWD, root);
  if (fd == -1)
    return;
  hws_passing_name(passing, sizeof passing);
  /* Under another name first: nobody finds half of it. */
  hws_remove_directory(fd, renameat(fd, key, fd, passing) == 0 ? passing : key);
  close(fd);
  rmdir(root);
}

/** Makes ROOT/KEY with `keeper` in it, and with the FIFOs if it is to be a channel. -1 and errno if it could not. */
static int hws_build(int root, const char *key, int with_fifos) {
  struct hws_process keeper;
  char passing[128], line[256];
  int error, fd = -1;
  hws_passing_name(passing, sizeof passing);
  if (hws_keeper(&keeper) == -1) {
    errno = ESRCH;
    return -1;
  }
  hws_process_line(&keeper, line, sizeof line);
  if (mkdirat(root, passing, 0700) == -1)
    return -1;
  fd = hws_open_directory(root, passing);
  if (fd != -1 && hws_write_small(fd, "keeper", line) == 0 &&
      (!with_fifos || (mkfifoat(fd, "lobby", 0600) == 0 && mkfifoat(fd, "pulse", 0600) == 0)) &&
      renameat(root, passing, root, key) == 0) {
    close(fd);
    return 0;
  }
  error = errno;
  hws_close(&fd);
  hws_remove_directory(root, passing);
  errno = error;
  return -1;
}

/** Opens ROOT/KEY, and makes it if it is not there. A descriptor, or -1 and errno. `root` is made, too. */
static int hws_open_channel(struct hws_state *state, const char *root, int with_fifos) {
  int attempt;
  for (attempt = 0; attempt < 100; attempt++) {
    char line[256];
    int fd, error, at;
    if (mkdir(root, 0700) == -1 && errno != EEXIST)
      return -1;
    at = hws_open_directory(AT_FDCWD, root);
    if (at == -1 && errno == ENOENT)
      continue;
    if (at == -1) {
      if (errno != EACCES)
        hws_say(state, "%s is not this user's own directory, or is open to others; refused", root);
      return -1;
    }
    fd = hws_open_directory(at, state->key);
    if (fd == -1 && errno == ENOENT) {
      if (hws_build(at, state->key, with_fifos) == 0 || errno == EEXIST || errno == ENOTEMPTY || errno == ENOENT) {
        close(at); /* ours or another's, or ROOT has just gone: look again */
        continue;
      }
      error = errno;
      close(at);
      rmdir(root);
      errno = error;
      return -1;
    }
    error = errno;
    close(at);
    if (fd == -1) {
      hws_say(state, "%s/%s: %s; refused", root, state->key, strerror(error));
      errno = error;
      return -1;
    }
    if (hws_read_small(fd, "keeper", line, sizeof line) == 0 && hws_line_is_dead(line)) {
      struct hws_process keeper;
      char passing[128];
      hws_passing_name(passing, sizeof passing);
      if (hws_keeper(&keeper) == 0) {
        hws_process_line(&keeper, line, sizeof line);
        unlinkat(fd, passing, 0);
        if (hws_write_small(fd, passing, line) == 0)
          renameat(fd, passing, fd, "keeper");
      }
    }
    return fd;
  }
  errno = EBUSY;
  return -1;
}

/** ROOT number `i`. 0 if there are no more; an empty one is to be skipped. */
static int hws_root(int i, char *root, size_t size) {
  const char *base = i == 0   ? getenv("HWLOC_SHARE_DIR")
                     : i == 1 ? "/dev/shm"
                     : i == 2 ? getenv("XDG_RUNTIME_DIR")
                     : i == 3 ? getenv("TMPDIR")
                              : NULL;
  char absolute[PATH_MAX];
  *root = '\0';
  if (i > 3)
    return 0;
  if (i == 3 && (base == NULL || *base == '\0'))
    base = "/tmp";
  if (base != NULL && *base != '\0' && realpath(base, absolute) != NULL)
    snprintf(root, size, "%s/hwloc-share-%lu", absolute, (unsigned long)geteuid());
  return 1;
}

/** Finds or makes the channel. */
static int hws_enter(struct hws_state *state) {
  char root[HWS_PATH];
  int i;
  for (i = 0; hws_root(i, root, sizeof root); i++) {
    if (*root == '\0')
      continue;
    state->channel = hws_open_channel(state, root, 1);
    if (state->channel == -1)
      continue;
    memcpy(state->root, root, sizeof root);
    return 0;
  }
  return hws_fail(state, "no directory for a channel (HWLOC_SHARE_DIR, /dev/shm, XDG_RUNTIME_DIR, TMPDIR)");
}

/* ---- Lines and messages ---- */

/**
 * Takes the next whole line, without its newline, from what was read. 1: a line; 0: none yet; -1: a line that is too long, or
 * has a NUL. The line is valid until the next call of either function.
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

/** Reads what there is. 1: something; 0: nothing for now; -1: the end. */
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

/** Takes a line apart, in place. 0 if it is no message. */
static int hws_parse(char *line, struct hws_message *message) {
  char *rest = line, *word;
  message->verb = strsep(&rest, " ");
  message->count = 0;
  if (*message->verb == '\0' || message->verb[strspn(message->verb, "abcdefghijklmnopqrstuvwxyz")] != '\0')
    return 0;
  while ((word = strsep(&rest, " ")) != NULL) {
    char *value = strchr(word, '='), *from, *to;
    int i;
    if (value == NULL || value == word || message->count == 32)
      return 0;
    *value++ = '\0';
    if (word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-")] != '\0')
      return 0;
    for (i = 0; i < message->count; i++)
      if (strcmp(message->words[i].key, word) == 0)
        return 0;
    for (from = to = value; *from != '\0'; from++, to++) {
      char hex[3] = "";
      uint64_t byte;
      if (*from < '!' || *from > '~')
        return 0;
      *to = *from;
      if (*from != '%')
        continue;
      strncpy(hex, from + 1, 2);
      if (strlen(hex) != 2 || !hws_number(hex, 16, &byte) || byte == 0)
        return 0;
      *to = (char)byte;
      from += 2;
    }
    *to = '\0';
    message->words[message->count].key = word;
    message->words[message->count++].value = value;
  }
  return 1;
}

static const char *hws_value(const struct hws_message *message, const char *key) {
  int i;
  for (i = 0; i < message->count; i++)
    if (strcmp(message->words[i].key, key) == 0)
      return message->words[i].value;
  return NULL;
}

static int hws_is(const struct hws_message *message, const char *verb) {
  return strcmp(message->verb, verb) == 0;
}

static int hws_parse_plan(const struct hws_message *message, struct hws_plan *plan) {
  const char *file = hws_value(message, "file");
  uint64_t generation;
  if (!hws_number(hws_value(message, "generation"), 10, &generation) || file == NULL || *file != '/' ||
      strlen(file) >= sizeof plan->file || !hws_number(hws_value(message, "offset"), 16, &plan->offset) ||
      !hws_number(hws_value(message, "address"), 16, &plan->address) ||
      !hws_number(hws_value(message, "length"), 16, &plan->length) ||
      !hws_number(hws_value(message, "abi"), 16, &plan->abi) || plan->length == 0 || generation > UINT_MAX ||
      plan->length > SIZE_MAX - plan->address)
    return 0;
  plan->generation = (unsigned)generation;
  strcpy(plan->file, file);
  return 1;
}

static void hws_add_plan(struct hws_text *text, const struct hws_plan *plan) {
  hws_add(text, "plan generation=%u", plan->generation);
  hws_add_value(text, "file", plan->file);
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

/** Reads the ranges at the head of a line. The number of them, or -1 if one is ill-formed, or there are too many. */
static int hws_parse_ranges(const char *line, struct hws_ranges *ranges) {
  int found = 0;
  for (;;) {
    unsigned long long start, end;
    char *rest;
    size_t digits = strspn(line, "0123456789abcdefABCDEF"), more;
    if (digits == 0 || line[digits] != '-')
      return found;
    more = strspn(line + digits + 1, "0123456789abcdefABCDEF");
    if (more == 0 || (line[digits + 1 + more] != ' ' && line[digits + 1 + more] != '\0'))
      return found;
    if (digits > 16 || more > 16)
      return -1;
    start = strtoull(line, NULL, 16);
    end = strtoull(line + digits + 1, &rest, 16);
    if (start >= end || ranges->count >= HWS_MOST_RANGES || hws_add_range(ranges, start, end) == -1)
      return -1;
    found++;
    if (*rest == '\0')
      return found;
    line = rest + 1;
  }
}

/** What is mapped in this process. */
static int hws_own_ranges(struct hws_ranges *ranges) {
  char line[PATH_MAX + 256];
  size_t used = 0;
  ssize_t got;
  int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  ranges->count = 0;
  if (fd == -1)
    return -1;
  while ((got = read(fd, line + used, sizeof line - 1 - used)) > 0 || (got == -1 && errno == EINTR)) {
    char *from = line, *end;
    used += got > 0 ? (size_t)got : 0;
    while ((end = memchr(from, '\n', used - (size_t)(from - line))) != NULL) {
      *end = '\0';
      if (hws_parse_ranges(from, ranges) < 1) {
        close(fd);
        return -1;
      }
      from = end + 1;
    }
    used -= (size_t)(from - line);
    memmove(line, from, used);
  }
  close(fd);
  return ranges->count > 0 ? 0 : -1;
}

static int hws_compare_ranges(const void *a, const void *b) {
  const struct hws_range *left = a, *right = b;
  return left->start < right->start ? -1 : left->start > right->start;
}

/** Sorts the ranges, and makes one of those that touch. */
static void hws_merge(struct hws_ranges *ranges) {
  size_t i, last = 0;
  qsort(ranges->list, ranges->count, sizeof *ranges->list, hws_compare_ranges);
  for (i = 1; i < ranges->count; i++) {
    if (ranges->list[i].start > ranges->list[last].end)
      ranges->list[++last] = ranges->list[i];
    else if (ranges->list[i].end > ranges->list[last].end)
      ranges->list[last].end = ranges->list[i].end;
  }
  ranges->count = ranges->count == 0 ? 0 : last + 1;
}

static uint64_t hws_hash(const char *text, uint64_t more) {
  uint64_t hash = 14695981039346656037u ^ more;
  for (; *text != '\0'; text++)
    hash = (hash ^ (unsigned char)*text) * 1099511628211u;
  hash ^= hash >> 32;
  return hash * 0x9e3779b97f4a7c15u >> 8;
}

#define HWS_ALIGN 0x200000u /* 2 MiB */

/** How many aligned places for `length` bytes there are between two addresses. */
static uint64_t hws_places(uint64_t start, uint64_t end, uint64_t length) {
  start = (start + HWS_ALIGN - 1) / HWS_ALIGN * HWS_ALIGN;
  return end < start || end - start < length ? 0 : (end - start - length) / HWS_ALIGN + 1;
}

/**
 * An address at which `length` bytes are free in all ranks; 0 if there is none.
 *
 * Where nothing else goes: a program and its heap lie at 0x55.. and 0x56.. or far below, libraries, stacks and new mappings above
 * 0x7e.., a JavaScript engine's memory below 0x40... Scattered within that, since others may choose a place there as well. Where
 * neither window has room (another architecture): a quarter of the way into the biggest hole.
 */
static uint64_t hws_choose(const struct hws_ranges *merged, uint64_t length, uint64_t top, uint64_t hash) {
  static const struct hws_range windows[] = {{0x400000000000u, 0x540000000000u}, {0x600000000000u, 0x700000000000u}};
  uint64_t biggest = 0, begin = 0;
  size_t i, w, pass;
  for (w = 0; w < 2; w++) {
    uint64_t places = 0, chosen = 0;
    /* First count them, then go to the one that is chosen. */
    for (pass = 0; pass < 2; pass++) {
      uint64_t from = windows[w].start, seen = 0;
      uint64_t end = windows[w].end < top ? windows[w].end : top;
      for (i = 0; i <= merged->count; i++) {
        uint64_t to = i < merged->count && merged->list[i].start < end ? merged->list[i].start : end;
        uint64_t here = from < to ? hws_places(from, to, length) : 0;
        if (pass == 1 && chosen < seen + here)
          return (from + HWS_ALIGN - 1) / HWS_ALIGN * HWS_ALIGN + (chosen - seen) * HWS_ALIGN;
        seen += here;
        if (i < merged->count && merged->list[i].end > from)
          from = merged->list[i].end;
      }
      places = seen;
      if (places == 0)
        break;
      chosen = hash % places;
    }
  }
  for (i = 0; i + 1 < merged->count; i++) {
    uint64_t hole = merged->list[i + 1].start - merged->list[i].end;
    if (merged->list[i + 1].start <= top && hole > biggest) {
      biggest = hole;
      begin = merged->list[i].end;
    }
  }
  begin = (begin + biggest / 4 + HWS_ALIGN - 1) / HWS_ALIGN * HWS_ALIGN;
  return biggest / 2 > length + HWS_ALIGN ? begin : 0;
}

/** Keeps a range free. 0: done; 1: something is mapped there; -1 and errno: it cannot be had at all. */
static int hws_reserve(struct hws_state *state, uint64_t address, uint64_t length) {
  void *wanted = (void *)(uintptr_t)address;
  void *got = mmap(wanted, (size_t)length, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (got == MAP_FAILED)
    return errno == EEXIST ? 1 : -1;
  if (got != wanted) { /* a kernel before 4.17, which takes the address for a hint */
    munmap(got, (size_t)length);
    return 1;
  }
  state->reserved = got;
  state->reserved_length = (size_t)length;
  return 0;
}

static void hws_drop_reservation(struct hws_state *state) {
  if (state->reserved != NULL)
    munmap(state->reserved, state->reserved_length);
  state->reserved = NULL;
}

/* ---- Topologies ---- */

static int hws_init_topology(hwloc_topology_t *topology, unsigned long flags) {
  const char *io = getenv("HWLOC_SHARE_IO");
  if (hwloc_topology_init(topology) == -1)
    return -1;
  if (io == NULL || strcmp(io, "none") != 0)
    hwloc_topology_set_io_types_filter(*topology, io != NULL && strcmp(io, "all") == 0 ? HWLOC_TYPE_FILTER_KEEP_ALL
                                                                                         : HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
  hwloc_topology_set_flags(*topology, flags);
  return 0;
}

/** Discovers the machine. NULL and errno if it could not. */
static hwloc_topology_t hws_discover(unsigned long flags) {
  hwloc_topology_t topology;
  if (hws_init_topology(&topology, flags) == -1)
    return NULL;
  if (hwloc_topology_load(topology) == -1) {
    hwloc_topology_destroy(topology);
    return NULL;
  }
  return topology;
}

#if HWLOC_API_VERSION >= 0x00020100
#define HWS_DISALLOWED HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED
#else
#define HWS_DISALLOWED HWLOC_TOPOLOGY_FLAG_WHOLE_SYSTEM
#endif

static hwloc_topology_t hws_import(const char *file, int is_this_system) {
  hwloc_topology_t topology;
  unsigned long flags = HWS_DISALLOWED | (is_this_system ? HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM : 0);
  if (hwloc_topology_init(&topology) == -1)
    return NULL;
  /* All that the leader kept. */
  hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL);
  hwloc_topology_set_flags(topology, flags);
  if (hwloc_topology_set_xml(topology, file) == -1 || hwloc_topology_load(topology) == -1) {
    hwloc_topology_destroy(topology);
    return NULL;
  }
  return topology;
}

/** The ABI word of the libhwloc of this process; 0 if it cannot be told. */
static uint64_t hws_abi(void) {
  hwloc_topology_t topology;
  uint32_t word;
  if (hwloc_topology_init(&topology) == -1)
    return 0;
  memcpy(&word, (const void *)topology, sizeof word);
  hwloc_topology_destroy(topology);
  return word;
}

/** Adopts a topology as it is planned, over the reservation if there is one. -1 and a reason if it could not. */
static int hws_adopt(struct hws_state *state, const struct hws_plan *plan) {
  struct stat found;
  hwloc_topology_t topology;
  void *address = (void *)(uintptr_t)plan->address;
  int error, fd = open(plan->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd == -1)
    return hws_fail(state, "%.300s: %s", plan->file, strerror(errno));
  if (!hws_is_ours(fd, S_IFREG) || fstat(fd, &found) == -1 || (uint64_t)found.st_size < plan->length ||
      (uint64_t)found.st_size - plan->length < plan->offset) {
    close(fd);
    return hws_fail(state, "%.300s is not the file that was planned", plan->file);
  }
  hws_drop_reservation(state);
  errno = 0;
  error = hwloc_shmem_topology_adopt(&topology, fd, plan->offset, address, (size_t)plan->length, 0) == -1 ? errno : -1;
  close(fd);
  if (error != -1)
    return hws_fail(state, "hwloc_shmem_topology_adopt: %s", error == 0 ? "unknown error" : strerror(error));
  state->session.topology = topology;
  state->session.how = HWLOC_SHARE_ADOPTED;
  state->session.address = address;
  state->session.length = (size_t)plan->length;
  state->session.reason[0] = '\0';
  return 0;
}

/** What the cgroup of this process allows, as a list such as `0-3,8`. Empty if that cannot be told. */
static void hws_allowed(const char *what, char *list, size_t size) {
  char groups[4096], *line, *rest = groups;
  *list = '\0';
  if (hws_read_small(AT_FDCWD, "/proc/self/cgroup", groups, sizeof groups) == -1)
    return;
  while ((line = strsep(&rest, "\n")) != NULL) {
    char *controllers = strchr(line, ':'), *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    int is_v2;
    if (group == NULL)
      continue;
    *group++ = '\0';
    controllers++;
    is_v2 = *controllers == '\0';
    if (!is_v2 && strcmp(controllers, "cpuset") != 0)
      continue;
    /* The group itself, or the nearest above it that says. */
    for (;;) {
      char path[PATH_MAX + 128];
      char *slash;
      snprintf(path, sizeof path, is_v2 ? "/sys/fs/cgroup%s/cpuset.%s.effective" : "/sys/fs/cgroup/cpuset%s/cpuset.effective_%s",
               strcmp(group, "/") == 0 ? "" : group, what);
      if (hws_read_small(AT_FDCWD, path, list, size) == 0 && *list != '\0')
        return;
      slash = strrchr(group, '/');
      if (slash == NULL || *group == '\0')
        break;
      *slash = '\0';
    }
  }
  *list = '\0';
}

/* ---- The ladder: the leader's XML, else a discovery of one's own ---- */

/** 0 or a code. `reason` is why this rank is here; kept as it is. */
static int hws_ladder(struct hws_state *state, const char *xml, int is_this_system) {
  hwloc_share_session *session = &state->session;
  hws_drop_reservation(state);
  if (state->is_strict)
    return HWLOC_SHARE_ENOTSHARED;
  session->topology = xml == NULL ? NULL : hws_import(xml, is_this_system);
  session->how = HWLOC_SHARE_XML;
  if (session->topology == NULL) {
    session->topology = hws_discover(0);
    session->how = HWLOC_SHARE_DISCOVERED;
    session->did_discover = 1;
  }
  if (session->topology == NULL) {
    size_t used = strlen(session->reason);
    snprintf(session->reason + used, sizeof session->reason - used, "%slibhwloc could not discover this machine: %s",
             used > 0 ? "; " : "", strerror(errno));
    return HWLOC_SHARE_ENOTOPOLOGY;
  }
  if (session->reason[0] != '\0')
    hws_say(state, "%s; %s", session->reason,
            session->how == HWLOC_SHARE_XML ? "using a private copy of the leader's topology"
                                            : "discovered the machine on its own");
  return HWLOC_SHARE_SUCCESS;
}

/* ---- A member ---- */

/** Writes as much as the leader's end takes now. */
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
  size_t i;
  if (hws_own_ranges(&ranges) == -1) {
    free(ranges.list);
    return -1;
  }
  hws_merge(&ranges);
  for (i = 0; i < ranges.count; i++)
    hws_add(text, "%llx-%llx%c", (unsigned long long)ranges.list[i].start, (unsigned long long)ranges.list[i].end,
            i % 16 == 15 || i + 1 == ranges.count ? '\n' : ' ');
  hws_add(text, "end\n");
  free(ranges.list);
  return text->failed ? -1 : 0;
}

/** A late joiner: adopts what the others have adopted. */
static int hws_join_late(struct hws_state *state, const char *why) {
  char line[HWS_LINE];
  struct hws_message message;
  struct hws_plan plan;
  state->is_alone = 1;
  if (state->channel == -1 || hws_read_small(state->channel, "plan", line, sizeof line) == -1)
    hws_fail(state, "%s", why);
  else if (!hws_parse(line, &message) || !hws_is(&message, "plan") || !hws_parse_plan(&message, &plan))
    hws_fail(state, "the published plan is not understood");
  else if (plan.abi != hws_abi())
    hws_fail(state, "libhwloc's ABI is %llx here, and %llx in the leader", (unsigned long long)hws_abi(),
             (unsigned long long)plan.abi);
  else if (hws_adopt(state, &plan) == 0)
    return HWLOC_SHARE_SUCCESS;
  return hws_ladder(state, NULL, 0);
}

/** Whether there is any use in waiting for a leader that was not heard yet. If not, why. */
static const char *hws_look_for_leader(struct hws_state *state, int lobby) {
  char path[HWS_PATH + 160];
  struct stat mine, there;
  int pulse;
  if (faccessat(state->channel, "plan", F_OK, 0) == 0)
    return "the others have gone on";
  snprintf(path, sizeof path, "%s/%s/lobby", state->root, state->key);
  if (fstat(lobby, &mine) == -1 || lstat(path, &there) == -1 || mine.st_ino != there.st_ino || mine.st_dev != there.st_dev)
    return "the leader has left the job";
  if (faccessat(state->channel, "leader", F_OK, 0) == -1)
    return NULL;
  pulse = hws_open_fifo(state->channel, "pulse", O_WRONLY);
  if (pulse == -1 && errno == ENXIO)
    return "the leader has gone";
  hws_close(&pulse);
  return NULL;
}

static void hws_hang_up(struct hws_state *state) {
  hws_close(&state->up);
  hws_close(&state->down);
}

enum hws_next { HWS_GO_ON, HWS_JOINED, HWS_CONFUSED };

/** Answers one message. `*code` is what became of the join, if it is over. */
static enum hws_next hws_answer(struct hws_state *state, char *line, struct hws_plan *plan, int *has_plan, int *code) {
  struct hws_text *out = &state->outgoing;
  struct hws_message message;
  uint64_t generation;
  if (!hws_parse(line, &message))
    return HWS_CONFUSED;
  if (hws_is(&message, "wait"))
    return HWS_GO_ON;
  if (hws_is(&message, "plan")) {
    int busy = -1;
    hws_drop_reservation(state);
    *has_plan = 0;
    if (!hws_parse_plan(&message, plan))
      return HWS_CONFUSED;
    if (plan->abi != hws_abi()) {
      hws_fail(state, "libhwloc's ABI is %llx here, and %llx in the leader", (unsigned long long)hws_abi(),
               (unsigned long long)plan->abi);
    } else {
      busy = hws_reserve(state, plan->address, plan->length);
      if (busy == -1)
        hws_fail(state, "its range cannot be mapped: %s", strerror(errno));
    }
    if (busy == -1) {
      hws_add(out, "declined");
      hws_add_value(out, "reason", state->session.reason);
      hws_add(out, "\n");
    } else if (busy == 1) {
      hws_fail(state, "its range was taken");
      hws_add(out, "busy generation=%u\n", plan->generation);
      hws_add_own_ranges(out);
    } else {
      *has_plan = 1;
      hws_add(out, "reserved generation=%u\n", plan->generation);
    }
    return HWS_GO_ON;
  }
  if (hws_is(&message, "release")) {
    if (!*has_plan || !hws_number(hws_value(&message, "generation"), 10, &generation) || generation != plan->generation)
      return HWS_CONFUSED;
    *has_plan = 0;
    if (hws_adopt(state, plan) == 0) {
      hws_add(out, "done how=adopted\n");
      *code = HWLOC_SHARE_SUCCESS;
      return HWS_JOINED;
    }
    hws_drop_reservation(state);
    hws_add(out, "failed");
    hws_add_value(out, "reason", state->session.reason);
    hws_add(out, "\n");
    return HWS_GO_ON;
  }
  if (hws_is(&message, "ladder")) {
    const char *this_system = hws_value(&message, "thissystem"), *reason = hws_value(&message, "reason");
    if (state->session.reason[0] == '\0')
      hws_fail(state, "%s", reason == NULL ? "the leader says so" : reason);
    *code = hws_ladder(state, hws_value(&message, "xml"), this_system != NULL && strcmp(this_system, "1") == 0);
    if (*code == HWLOC_SHARE_SUCCESS)
      hws_add(out, "done how=%s\n", state->session.how == HWLOC_SHARE_XML ? "xml" : "discovered");
    return HWS_JOINED;
  }
  return HWS_CONFUSED;
}

static int hws_join_as_member(struct hws_state *state) {
  struct hws_text *out = &state->outgoing;
  char pipe[64], name[72], line[HWS_LINE], list[1024], announcement[160];
  struct hws_plan plan;
  int has_plan = 0, is_heard = 0, lobby = -1, code = 0;
  double now = hws_now(), deadline = now + state->timeout, next_look = now + HWS_LOOK;
  const char *why = NULL;

  if (faccessat(state->channel, "plan", F_OK, 0) == 0)
    return hws_join_late(state, "the others have gone on");

  hws_add(out, "hello hwloc-share=%d rank=%d local=%d abi=%llx", HWS_VERSION, state->session.rank,
          state->session.local_rank, (unsigned long long)hws_abi());
  hws_allowed("cpus", list, sizeof list);
  if (*list != '\0')
    hws_add_value(out, "cpus", list);
  hws_allowed("mems", list, sizeof list);
  if (*list != '\0')
    hws_add_value(out, "mems", list);
  hws_add(out, "\n");
  if (hws_add_own_ranges(out) == -1) {
    hws_fail(state, "/proc/self/maps cannot be read");
    return hws_ladder(state, NULL, 0);
  }

  snprintf(pipe, sizeof pipe, "%d-%d", state->session.local_rank, (int)getpid());
  snprintf(name, sizeof name, "%s.up", pipe);
  if (mkfifoat(state->channel, name, 0600) == 0) {
    snprintf(name, sizeof name, "%s.down", pipe);
    if (mkfifoat(state->channel, name, 0600) == 0) {
      state->down = hws_open_fifo(state->channel, name, O_RDONLY);
      snprintf(name, sizeof name, "%s.up", pipe);
      state->up = state->down == -1 ? -1 : hws_open_fifo(state->channel, name, O_RDWR);
    }
  }
  if (state->up != -1)
    lobby = hws_open_fifo(state->channel, "lobby", O_RDWR);
  if (lobby == -1) {
    hws_fail(state, "%.300s/%s: %s", state->root, state->key, strerror(errno));
    hws_hang_up(state);
    return hws_ladder(state, NULL, 0);
  }
  hws_flush(state);
  snprintf(announcement, sizeof announcement, "announce hwloc-share=%d rank=%d local=%d pipe=%s\n", HWS_VERSION,
           state->session.rank, state->session.local_rank, pipe);
  if (write(lobby, announcement, strlen(announcement)) != (ssize_t)strlen(announcement)) {
    hws_fail(state, "the lobby takes no announcement: %s", strerror(errno));
    close(lobby);
    hws_hang_up(state);
    return hws_ladder(state, NULL, 0);
  }

  while (why == NULL) {
    struct pollfd fds[2];
    double until = is_heard ? deadline : next_look;
    int got = 0;
    hws_flush(state);
    fds[0].fd = state->down;
    fds[0].events = POLLIN;
    fds[0].revents = 0;
    fds[1].fd = state->sent < out->used ? state->up : -1;
    fds[1].events = POLLOUT;
    /* poll, and not just read: before the leader has opened its end, a read would say EOF. */
    poll(fds, 2, until > now ? (int)((until - now) * 1000) + 1 : 0);
    now = hws_now();
    if (fds[0].revents != 0 && (got = hws_read_some(&state->reader, state->down)) == 1) {
      is_heard = 1;
      deadline = now + state->timeout;
      while ((got = hws_next_line(&state->reader, line)) == 1) {
        enum hws_next next = hws_answer(state, line, &plan, &has_plan, &code);
        if (next == HWS_CONFUSED) {
          why = "the leader cannot be understood";
          break;
        }
        if (next != HWS_JOINED)
          continue;
        hws_flush(state);
        hws_close(&lobby);
        if (code != HWLOC_SHARE_SUCCESS)
          hws_hang_up(state);
        return code;
      }
      if (got == -1)
        why = "the leader cannot be understood";
    } else if (got == -1) {
      hws_close(&lobby);
      hws_hang_up(state);
      hws_drop_reservation(state);
      return hws_join_late(state, "the leader has gone");
    }
    if (why == NULL && now >= deadline) {
      snprintf(line, sizeof line, "the leader %s %g s (HWLOC_SHARE_TIMEOUT)",
               is_heard ? "was silent for" : "did not come within", state->timeout);
      why = line;
    }
    if (why == NULL && !is_heard && now >= next_look) {
      next_look = now + HWS_LOOK;
      why = hws_look_for_leader(state, lobby);
      if (why != NULL && faccessat(state->channel, "plan", F_OK, 0) == 0) {
        hws_close(&lobby);
        hws_hang_up(state);
        return hws_join_late(state, why);
      }
    }
  }
  hws_fail(state, "%s", why);
  hws_close(&lobby);
  hws_hang_up(state);
  return hws_ladder(state, NULL, 0);
}

static int hws_member_barrier(struct hws_state *state) {
  char line[HWS_LINE];
  struct hws_message message;
  uint64_t number;
  hws_add(&state->outgoing, "barrier number=%llu\n", (unsigned long long)state->barrier);
  for (;;) {
    struct pollfd fds[2];
    int got = 0;
    hws_flush(state);
    fds[0].fd = state->down;
    fds[0].events = POLLIN;
    fds[0].revents = 0;
    fds[1].fd = state->sent < state->outgoing.used ? state->up : -1;
    fds[1].events = POLLOUT;
    poll(fds, 2, -1);
    if (fds[0].revents != 0)
      got = hws_read_some(&state->reader, state->down);
    while (got == 1 && (got = hws_next_line(&state->reader, line)) == 1) {
      if (!hws_parse(line, &message))
        got = -1;
      else if (hws_is(&message, "open") && hws_number(hws_value(&message, "number"), 10, &number) &&
               number == state->barrier)
        return HWLOC_SHARE_SUCCESS;
    }
    if (got == -1) {
      hws_say(state, "the leader has gone; it passes its barriers without the others");
      hws_hang_up(state);
      state->is_alone = 1;
      return HWLOC_SHARE_ALONE;
    }
  }
}

/* ---- The leader ---- */

/** A discovery in a thread of its own: it may take long, and members must hear from their leader meanwhile. */
struct hws_discovery {
  unsigned long flags;
  hwloc_topology_t topology;
  int error;
  int done[2]; /* a pipe; its reading end says EOF when the thread is through */
  int is_threaded;
  pthread_t thread;
};

static void *hws_discovery_thread(void *argument) {
  struct hws_discovery *discovery = argument;
  errno = 0;
  discovery->topology = hws_discover(discovery->flags);
  discovery->error = errno;
  hws_close(&discovery->done[1]);
  return NULL;
}

static void hws_start_discovery(struct hws_discovery *discovery, unsigned long flags) {
  sigset_t all, before;
  memset(discovery, 0, sizeof *discovery);
  discovery->flags = flags;
  discovery->done[0] = discovery->done[1] = -1;
  if (pipe2(discovery->done, O_CLOEXEC) == 0) {
    /* The program's signals are none of its business. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    discovery->is_threaded = pthread_create(&discovery->thread, NULL, hws_discovery_thread, discovery) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  if (!discovery->is_threaded)
    hws_discovery_thread(discovery);
}

static int hws_is_discovered(struct hws_discovery *discovery) {
  struct pollfd end = {-1, POLLIN, 0};
  end.fd = discovery->done[0];
  return !discovery->is_threaded || poll(&end, 1, 0) == 1;
}

/** Waits for its end. The topology, or NULL and errno. */
static hwloc_topology_t hws_end_discovery(struct hws_discovery *discovery) {
  if (discovery->is_threaded)
    pthread_join(discovery->thread, NULL);
  discovery->is_threaded = 0;
  hws_close(&discovery->done[0]);
  errno = discovery->error;
  return discovery->topology;
}

static struct hws_member *hws_member_of(struct hws_state *state, int local) {
  size_t i;
  for (i = 0; i < state->member_count; i++)
    if (state->members[i]->local == local)
      return state->members[i];
  return NULL;
}

static void hws_let_go(struct hws_member *member, int is_dropped) {
  hws_close(&member->up);
  hws_close(&member->down);
  member->stage = HWS_GONE;
  member->is_dropped = is_dropped;
  free(member->ranges.list);
  memset(&member->ranges, 0, sizeof member->ranges);
}

/** Says something to a member, whole or not at all. One that takes nothing any more is let go. */
static void hws_tell(struct hws_member *member, const char *text) {
  size_t length = strlen(text);
  if (member->stage == HWS_GONE)
    return;
  /* Up to PIPE_BUF bytes a pipe takes whole. */
  if (length > PIPE_BUF || write(member->down, text, length) != (ssize_t)length)
    hws_let_go(member, 1);
}

static void hws_send_to_ladder(struct hws_member *member, const char *reason, const char *xml, int is_this_system) {
  struct hws_text text = {NULL, 0, 0, 0};
  hws_add(&text, "ladder");
  hws_add_value(&text, "reason", reason);
  if (xml != NULL) {
    hws_add_value(&text, "xml", xml);
    hws_add(&text, " thissystem=%d", is_this_system);
  }
  hws_add(&text, "\n");
  if (text.failed) {
    hws_let_go(member, 1);
  } else {
    hws_tell(member, text.data);
    if (member->stage != HWS_GONE)
      member->stage = HWS_LADDER;
  }
  free(text.data);
}

/** Opens one FIFO of a member for writing. It must have it open itself: ENXIO if it is dead. */
static int hws_open_down(struct hws_state *state, const char *name) {
  int fd, probe = hws_open_fifo(state->channel, name, O_WRONLY);
  if (probe == -1)
    return -1;
  /* Once more for both: then writing to a member that has died meanwhile gives no SIGPIPE. */
  fd = hws_open_fifo(state->channel, name, O_RDWR);
  close(probe);
  return fd;
}

static void hws_unlink_pair(struct hws_state *state, const char *pipe) {
  char name[80];
  snprintf(name, sizeof name, "%s.up", pipe);
  unlinkat(state->channel, name, 0);
  snprintf(name, sizeof name, "%s.down", pipe);
  unlinkat(state->channel, name, 0);
}

/** Takes up an announcement. */
static void hws_admit(struct hws_state *state, char *line) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  struct hws_message message;
  struct hws_member *member, **members;
  const char *pipe = NULL;
  char name[80], shown[160], why[200] = "";
  int version = 0, rank = 0, local = 0, error;
  snprintf(shown, sizeof shown, "%.150s", line);
  if (hws_parse(line, &message) && hws_is(&message, "announce"))
    pipe = hws_value(&message, "pipe");
  if (pipe == NULL || *pipe == '\0' || strlen(pipe) > 64 || pipe[strspn(pipe, letters)] != '\0' ||
      !hws_count(hws_value(&message, "hwloc-share"), &version) || !hws_count(hws_value(&message, "rank"), &rank) ||
      !hws_count(hws_value(&message, "local"), &local)) {
    if (state->nonsense++ < 10)
      hws_say(state, "an announcement was not understood: %s", shown);
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
  member->local = local;
  member->up = -1;
  snprintf(name, sizeof name, "%s.down", pipe);
  member->down = hws_open_down(state, name);
  error = errno;
  if (member->down != -1) {
    snprintf(name, sizeof name, "%s.up", pipe);
    member->up = hws_open_fifo(state->channel, name, O_RDONLY);
    error = errno;
  }
  if (member->up == -1) {
    if (error == EMFILE || error == ENFILE) {
      void *away = realloc(state->away, (state->away_count + 1) * sizeof *state->away);
      if (away != NULL) {
        state->away = away;
        strcpy(state->away[state->away_count++], pipe);
      }
    } else {
      hws_unlink_pair(state, pipe);
      if (local < state->session.local_size && local > 0)
        state->is_dead[local] = 1;
    }
    hws_close(&member->down);
    free(member);
    return;
  }
  hws_unlink_pair(state, pipe);
  if (version != HWS_VERSION)
    snprintf(why, sizeof why, "it speaks version %d of the protocol, and the leader %d", version, HWS_VERSION);
  else if (local < 1 || local >= state->session.local_size || rank >= state->session.size)
    snprintf(why, sizeof why, "local rank %d is none of the ranks 1 to %d", local, state->session.local_size - 1);
  else if (hws_member_of(state, local) != NULL)
    snprintf(why, sizeof why, "local rank %d is here already", local);
  if (*why != '\0') {
    hws_send_to_ladder(member, why, NULL, 0);
    hws_let_go(member, 0);
    free(member);
    return;
  }
  state->members[state->member_count++] = member;
}

static void hws_read_lobby(struct hws_state *state) {
  char line[HWS_LINE];
  int got;
  if (hws_read_some(&state->lobby_reader, state->lobby) != 1)
    return;
  while ((got = hws_next_line(&state->lobby_reader, line)) != 0) {
    if (got == 1)
      hws_admit(state, line);
    else
      state->nonsense += 100;
    if (got == -1 && state->lobby_reader.used == sizeof state->lobby_reader.buffer)
      state->lobby_reader.used = 0;
    if (state->nonsense > 1000) {
      hws_say(state, "nonsense is written into the lobby; nobody listens there any more");
      hws_close(&state->lobby);
      return;
    }
  }
}

/** Takes up one line of a member. 0 if it is none that may come now. */
static int hws_hear(struct hws_member *member, char *line, const struct hws_plan *plan) {
  struct hws_message message;
  uint64_t number;
  if (member->stage == HWS_RANGES || member->stage == HWS_BUSY) {
    int found = hws_parse_ranges(line, &member->ranges);
    if (found != 0)
      return found > 0;
    if (strcmp(line, "end") != 0)
      return 0;
    hws_merge(&member->ranges);
    member->stage = member->stage == HWS_RANGES ? HWS_READY : HWS_REPLAN;
    return 1;
  }
  if (!hws_parse(line, &message))
    return 0;
  switch (member->stage) {
  case HWS_HELLO:
    if (!hws_is(&message, "hello") || !hws_number(hws_value(&message, "hwloc-share"), 10, &number) ||
        number != HWS_VERSION || !hws_number(hws_value(&message, "local"), 10, &number) ||
        number != (uint64_t)member->local || !hws_number(hws_value(&message, "abi"), 16, &number))
      return 0;
    if (hws_value(&message, "cpus") != NULL)
      snprintf(member->cpus, sizeof member->cpus, "%s", hws_value(&message, "cpus"));
    if (hws_value(&message, "mems") != NULL)
      snprintf(member->mems, sizeof member->mems, "%s", hws_value(&message, "mems"));
    member->stage = HWS_RANGES;
    return 1;
  case HWS_PLANNED:
    if (hws_is(&message, "declined")) {
      member->stage = HWS_DECLINED;
      return 1;
    }
    if (!hws_number(hws_value(&message, "generation"), 10, &number) || plan == NULL || number != plan->generation)
      return 0;
    if (hws_is(&message, "reserved")) {
      member->stage = HWS_RESERVED;
      return 1;
    }
    member->ranges.count = 0;
    member->stage = HWS_BUSY;
    return hws_is(&message, "busy");
  case HWS_RELEASED:
    if (hws_is(&message, "failed")) {
      member->stage = HWS_DECLINED;
      return 1;
    }
    /* fall through */
  case HWS_LADDER:
    member->stage = HWS_DONE;
    return hws_is(&message, "done");
  case HWS_DONE:
    if (!hws_is(&message, "barrier") || !hws_number(hws_value(&message, "number"), 10, &number) ||
        number != member->barrier + 1)
      return 0;
    member->barrier = number;
    return 1;
  default:
    return 0;
  }
}

static void hws_read_member(struct hws_state *state, struct hws_member *member, const struct hws_plan *plan) {
  char line[HWS_LINE], shown[128];
  int got = hws_read_some(&member->reader, member->up);
  if (got == -1)
    hws_let_go(member, 0);
  while (member->stage != HWS_GONE && got == 1 && (got = hws_next_line(&member->reader, line)) != 0) {
    snprintf(shown, sizeof shown, "%.120s", line);
    if (got == -1 || !hws_hear(member, line, plan)) {
      hws_say(state, "going on without local rank %d, which cannot be understood: %s", member->local,
              got == -1 ? "a line that is too long" : shown);
      hws_let_go(member, 0);
    }
  }
}

/** Waits until something comes from a member, the lobby or the discovery, but no longer than until then; and takes it up. */
static void hws_serve(struct hws_state *state, struct hws_discovery *discovery, const struct hws_plan *plan, double until) {
  size_t count = state->member_count, i;
  struct pollfd *fds = calloc(count + 2, sizeof *fds);
  double wait = until - hws_now();
  if (fds == NULL)
    return;
  for (i = 0; i < count; i++) {
    fds[i].fd = state->members[i]->up; /* -1 is passed over */
    fds[i].events = POLLIN;
  }
  fds[count].fd = state->lobby;
  fds[count].events = POLLIN;
  fds[count + 1].fd = discovery == NULL ? -1 : discovery->done[0];
  fds[count + 1].events = POLLIN;
  if (poll(fds, (nfds_t)count + 2, until == 0 ? -1 : wait > 0 ? (int)(wait * 1000) + 1 : 0) > 0) {
    for (i = 0; i < count; i++)
      if (fds[i].revents != 0)
        hws_read_member(state, state->members[i], plan);
    if (fds[count].revents != 0 && state->lobby != -1)
      hws_read_lobby(state);
  }
  free(fds);
}

static size_t hws_count_in(const struct hws_state *state, enum hws_stage first, enum hws_stage last) {
  size_t i, found = 0;
  for (i = 0; i < state->member_count; i++)
    found += state->members[i]->stage >= first && state->members[i]->stage <= last;
  return found;
}

/** The local ranks that did not come yet, as a list; how many they are. */
static int hws_missing(struct hws_state *state, char *list, size_t size) {
  int local, count = 0;
  size_t used = 0;
  *list = '\0';
  for (local = 1; local < state->session.local_size; local++) {
    struct hws_member *member = hws_member_of(state, local);
    if (state->is_dead[local] || (member != NULL && member->stage >= HWS_READY))
      continue;
    count++;
    if (used + 16 < size)
      used += (size_t)snprintf(list + used, size - used, "%s%d", used > 0 ? "," : "", local);
  }
  return count;
}

/** A sign of life for all who wait. */
static void hws_tell_to_wait(struct hws_state *state, double *next) {
  char missing[2048], text[2100];
  size_t i;
  if (hws_now() < *next)
    return;
  hws_missing(state, missing, sizeof missing);
  snprintf(text, sizeof text, "wait missing=%s\n", missing);
  for (i = 0; i < state->member_count; i++)
    hws_tell(state->members[i], text);
  *next = hws_now() + (state->timeout / 4 < 1 ? state->timeout / 4 : 1);
}

/** Serves until no member is in one of these stages. Those that are silent for too long are dropped. */
static void hws_serve_until(struct hws_state *state, enum hws_stage first, enum hws_stage last, const struct hws_plan *plan) {
  double deadline = hws_now() + state->timeout, next_wait = hws_now() + state->timeout / 8;
  size_t i;
  while (hws_count_in(state, first, last) > 0 && hws_now() < deadline) {
    hws_serve(state, NULL, plan, next_wait < deadline ? next_wait : deadline);
    hws_tell_to_wait(state, &next_wait);
  }
  for (i = 0; i < state->member_count; i++)
    if (state->members[i]->stage >= first && state->members[i]->stage <= last) {
      hws_say(state, "local rank %d did not answer within %g s; going on without it (HWLOC_SHARE_TIMEOUT)",
              state->members[i]->local, state->timeout);
      hws_let_go(state->members[i], 1);
    }
}

/** Looks for pipes that nobody holds any more: their makers have died, or given up, before they announced themselves. */
static void hws_look_for_dead(struct hws_state *state, char *suspects) {
  int fd = openat(state->channel, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), local;
  DIR *directory = fd == -1 ? NULL : fdopendir(fd);
  struct dirent *entry;
  if (directory == NULL) {
    hws_close(&fd);
    return;
  }
  while ((entry = readdir(directory)) != NULL) {
    const char *end = strrchr(entry->d_name, '.');
    int up;
    if (end == NULL || strcmp(end, ".up") != 0 || sscanf(entry->d_name, "%d-", &local) != 1 || local < 1 ||
        local >= state->session.local_size || hws_member_of(state, local) != NULL || state->is_dead[local])
      continue;
    /* The pipe that the member writes into: opening and closing the other one would tell it that its leader has gone. */
    up = hws_open_fifo(state->channel, entry->d_name, O_WRONLY);
    if (up != -1 || errno != ENXIO) {
      hws_close(&up);
      suspects[local] = 0;
    } else if (++suspects[local] > 2) { /* looked at thrice: it was not just about to open it */
      state->is_dead[local] = 1;
      hws_say(state, "local rank %d ended, or gave up, before joining; going on without it", local);
    }
  }
  closedir(directory);
}

/** Gathers the members until all are here or the timeout is over, and the topology is loaded. */
static void hws_gather(struct hws_state *state, struct hws_discovery *discovery) {
  char missing[1024], *suspects = calloc((size_t)state->session.local_size, 1);
  double start = hws_now(), deadline = start + state->timeout;
  double next_wait = start + state->timeout / 8, next_look = start + HWS_LOOK;
  for (;;) {
    double now = hws_now(), until = next_wait < next_look ? next_wait : next_look;
    int is_complete = hws_missing(state, missing, sizeof missing) == 0;
    if ((is_complete || now >= deadline) && hws_is_discovered(discovery))
      break;
    if (!is_complete && now < deadline && deadline < until)
      until = deadline;
    hws_serve(state, hws_is_discovered(discovery) ? NULL : discovery, NULL, until);
    hws_tell_to_wait(state, &next_wait);
    if (hws_now() >= next_look) {
      if (suspects != NULL)
        hws_look_for_dead(state, suspects);
      next_look = hws_now() + HWS_LOOK;
    }
  }
  if (hws_missing(state, missing, sizeof missing) > 0) {
    size_t i;
    hws_say(state, "local ranks %s did not join within %g s; going on without them (HWLOC_SHARE_TIMEOUT)", missing,
            state->timeout);
    for (i = 0; i < state->member_count; i++)
      if (state->members[i]->stage < HWS_READY)
        hws_let_go(state->members[i], 1);
  }
  hws_close(&state->lobby);
  free(suspects);
}

/** Makes the file of a plan, with all its room: in the channel, else in a directory of the same name in another ROOT. */
static int hws_make_store(struct hws_state *state, struct hws_plan *plan) {
  char root[HWS_PATH], name[32];
  int i, error = 0;
  snprintf(name, sizeof name, "topology.%u", plan->generation);
  for (i = -1; i == -1 || hws_root(i, root, sizeof root); i++) {
    int directory = state->channel, fd;
    if (i == -1)
      memcpy(root, state->root, sizeof root);
    else if (*root == '\0' || strcmp(root, state->root) == 0)
      continue;
    else
      directory = hws_open_channel(state, root, 0);
    if (directory == -1)
      continue;
    fd = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    error = fd == -1 ? errno : posix_fallocate(fd, 0, (off_t)plan->length);
    if (i != -1)
      close(directory);
    if (error == 0) {
      if (i != -1)
        memcpy(state->store_root, root, sizeof root);
      snprintf(plan->file, sizeof plan->file, "%s/%s/%s", root, state->key, name);
      return fd;
    }
    if (fd != -1) {
      close(fd);
      unlinkat(directory, name, 0);
    }
    if (i != -1)
      hws_remove_channel(root, state->key);
  }
  hws_fail(state, "no room for the topology: posix_fallocate: %s", strerror(error));
  return -1;
}

/** Writes and seals. 0: done, and the range is reserved; 1: something is mapped there; -1: it cannot be, and a reason. */
static int hws_write(struct hws_state *state, hwloc_topology_t topology, const struct hws_plan *plan, int fd) {
  void *address = (void *)(uintptr_t)plan->address;
  hwloc_topology_t adopted;
  errno = 0;
  if (hwloc_shmem_topology_write(topology, fd, 0, address, (size_t)plan->length, 0) == -1) {
    if (errno == EBUSY)
      return 1;
    return hws_fail(state, "hwloc_shmem_topology_write: %s", strerror(errno));
  }
#if HWLOC_API_VERSION >= 0x00020300
  /* The seal: without it, a query of memory attributes writes to the read-only pages of whoever asks (hwloc 2.3 to 2.14). */
  errno = 0;
  if (hwloc_shmem_topology_adopt(&adopted, fd, 0, address, (size_t)plan->length, 0) == -1) {
    if (errno == EBUSY)
      return 1;
    return hws_fail(state, "hwloc_shmem_topology_adopt: %s", strerror(errno));
  }
  if (mprotect(address, (size_t)plan->length, PROT_READ | PROT_WRITE) == -1 || hwloc_topology_refresh(adopted) == -1) {
    hws_fail(state, "sealing the topology: %s", strerror(errno));
    hwloc_topology_destroy(adopted);
    return -1;
  }
  hwloc_topology_destroy(adopted);
#else
  (void)adopted;
#endif
  return hws_reserve(state, plan->address, plan->length) == 0 ? 0 : 1;
}

/** Where all have room, as far as is known. */
static uint64_t hws_address(struct hws_state *state, struct hws_plan *plan) {
  struct hws_ranges all = {NULL, 0, 0};
  uint64_t wanted, top = 0, address = 0;
  size_t i, j;
  const char *hole = getenv("HWLOC_SHARE_HOLE");
  if (hole != NULL && strncmp(hole, "0x", 2) == 0 && hws_number(hole + 2, 16, &wanted))
    return wanted;
  if (hws_own_ranges(&all) == 0) {
    for (i = 0; i < all.count; i++)
      if (all.list[i].end > top && all.list[i].end < (uint64_t)1 << 63)
        top = all.list[i].end;
    for (i = 0; i < state->member_count; i++)
      for (j = 0; j < state->members[i]->ranges.count; j++)
        hws_add_range(&all, state->members[i]->ranges.list[j].start, state->members[i]->ranges.list[j].end);
    hws_merge(&all);
    address = hws_choose(&all, plan->length, top, hws_hash(state->key, plan->generation));
  }
  free(all.list);
  return address;
}

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

/** Plans until all have reserved, or are on the ladder. The file, sealed; or -1 and a reason. */
static int hws_plan_all(struct hws_state *state, hwloc_topology_t topology, struct hws_plan *plan) {
  size_t length;
  int fd = -1, written = -1;
  if (hwloc_shmem_topology_get_length(topology, &length, 0) == -1)
    return hws_fail(state, "hwloc_shmem_topology_get_length: %s", strerror(errno));
  memset(plan, 0, sizeof *plan);
  plan->length = length;
  plan->abi = state->abi;
  while (plan->generation < HWS_PLANS) {
    struct hws_text text = {NULL, 0, 0, 0};
    if (fd != -1) {
      close(fd);
      unlink(plan->file);
    }
    hws_drop_reservation(state);
    plan->generation++;
    plan->address = hws_address(state, plan);
    fd = plan->address == 0 ? hws_fail(state, "no range is free in all ranks") : hws_make_store(state, plan);
    if (fd == -1)
      return -1;
    hws_add_plan(&text, plan);
    if (text.failed) {
      close(fd);
      return hws_fail(state, "out of memory");
    }
    hws_tell_all(state, HWS_READY, HWS_RESERVED, HWS_PLANNED, text.data);
    free(text.data);
    written = hws_write(state, topology, plan, fd);
    hws_serve_until(state, HWS_PLANNED, HWS_BUSY, plan);
    if (written == -1)
      break;
    if (written == 0 && hws_count_in(state, HWS_REPLAN, HWS_REPLAN) == 0)
      return fd;
  }
  if (written == 0)
    return fd; /* those who are still busy go to the ladder, the others adopt */
  if (written == 1)
    hws_fail(state, "its range was taken in each of the plans");
  hws_drop_reservation(state);
  close(fd);
  unlink(plan->file);
  return -1;
}

/** Writes the topology as XML for those who cannot adopt. 0 or -1. */
static int hws_write_xml(struct hws_state *state, hwloc_topology_t topology) {
  char *xml;
  int length, result = -1;
  if (hwloc_topology_export_xmlbuffer(topology, &xml, &length, 0) == 0) {
    result = hws_write_small(state->channel, "topology.xml", xml);
    hwloc_free_xmlbuffer(topology, xml);
  }
  return result;
}

/** Sends those in these stages to the ladder. */
static void hws_offer_ladder(struct hws_state *state, hwloc_topology_t topology, enum hws_stage first,
                             enum hws_stage last, const char *reason) {
  char file[HWS_PATH + 160];
  int has_xml;
  size_t i;
  if (hws_count_in(state, first, last) == 0)
    return;
  snprintf(file, sizeof file, "%s/%s/topology.xml", state->root, state->key);
  has_xml = topology != NULL &&
            (faccessat(state->channel, "topology.xml", F_OK, 0) == 0 || hws_write_xml(state, topology) == 0);
  for (i = 0; i < state->member_count; i++)
    if (state->members[i]->stage >= first && state->members[i]->stage <= last)
      hws_send_to_ladder(state->members[i], reason, has_xml ? file : NULL,
                         topology != NULL && hwloc_topology_is_thissystem(topology));
}

/** Whether a rank may still come that has no topology of this channel yet. */
static int hws_may_come(struct hws_state *state) {
  int local;
  for (local = 1; local < state->session.local_size; local++) {
    struct hws_member *member = hws_member_of(state, local);
    if (member == NULL ? !state->is_dead[local] : member->is_dropped)
      return 1;
  }
  return state->away_count > 0;
}

static void hws_publish(struct hws_state *state, const struct hws_plan *plan) {
  struct hws_text text = {NULL, 0, 0, 0};
  char passing[128];
  size_t i;
  hws_passing_name(passing, sizeof passing);
  hws_add_plan(&text, plan);
  if (!text.failed && hws_write_small(state->channel, passing, text.data) == 0)
    renameat(state->channel, passing, state->channel, "plan");
  free(text.data);
  for (i = 0; i < state->away_count; i++) {
    char name[80];
    int fd;
    snprintf(name, sizeof name, "%s.down", state->away[i]);
    fd = hws_open_fifo(state->channel, name, O_WRONLY);
    hws_close(&fd);
    hws_unlink_pair(state, state->away[i]);
  }
}

static void hws_remove_what_is_ours(struct hws_state *state) {
  if (!state->owns_channel || state->pid != getpid())
    return;
  state->owns_channel = 0;
  hws_close(&state->channel);
  hws_remove_channel(state->root, state->key);
  if (state->store_root[0] != '\0')
    hws_remove_channel(state->store_root, state->key);
}

/** Whether a member's cgroup allows other things than the leader's. */
static int hws_allowed_differ(struct hws_state *state) {
  char cpus[1024], mems[1024];
  size_t i;
  hws_allowed("cpus", cpus, sizeof cpus);
  hws_allowed("mems", mems, sizeof mems);
  for (i = 0; i < state->member_count; i++) {
    struct hws_member *member = state->members[i];
    if ((member->cpus[0] != '\0' && strcmp(member->cpus, cpus) != 0) ||
        (member->mems[0] != '\0' && strcmp(member->mems, mems) != 0))
      return 1;
  }
  return 0;
}

/** Whether this process leads: opens what only the leader opens. */
static int hws_take_the_lead(struct hws_state *state) {
  struct hws_process self;
  char line[256];
  state->pulse = hws_open_fifo(state->channel, "pulse", O_RDWR);
  if (state->pulse == -1 || hws_look_at((int)getpid(), &self) == -1)
    return hws_fail(state, "%.300s/%s/pulse: %s", state->root, state->key, strerror(errno));
  hws_process_line(&self, line, sizeof line);
  if (hws_write_small(state->channel, "leader", line) == -1)
    return hws_fail(state, errno == EEXIST ? "this rank has joined before, or its parent process has"
                                           : "the channel has no room");
  state->owns_channel = 1;
  state->lobby = hws_open_fifo(state->channel, "lobby", O_RDWR);
  if (state->lobby == -1)
    return hws_fail(state, "%.300s/%s/lobby: %s", state->root, state->key, strerror(errno));
  return 0;
}

/** Discovers while the members arrive. NULL and a reason if there is nothing to discover. */
static hwloc_topology_t hws_discover_and_gather(struct hws_state *state) {
  struct hws_discovery discovery;
  hwloc_topology_t topology;
  int spare[HWS_SPARE], i;
  for (i = 0; i < HWS_SPARE; i++)
    spare[i] = fcntl(state->lobby, F_DUPFD_CLOEXEC, 0);
  hws_start_discovery(&discovery, 0);
  hws_gather(state, &discovery);
  topology = hws_end_discovery(&discovery);
  if (topology != NULL && hws_allowed_differ(state)) {
    /* Once more, with what the leader's cgroup does not allow, but a member's may. */
    double next_wait = 0;
    hwloc_topology_destroy(topology);
    hws_start_discovery(&discovery, HWS_DISALLOWED);
    while (!hws_is_discovered(&discovery)) {
      hws_tell_to_wait(state, &next_wait);
      hws_serve(state, &discovery, NULL, next_wait);
    }
    topology = hws_end_discovery(&discovery);
  }
  for (i = 0; i < HWS_SPARE; i++)
    hws_close(&spare[i]);
  if (topology == NULL)
    hws_fail(state, "libhwloc could not discover this machine: %s", strerror(errno));
  return topology;
}

/** Shares the topology with the members. `plan` is what was adopted, if anything was. */
static int hws_share(struct hws_state *state, hwloc_topology_t topology, struct hws_plan *plan) {
  char release[64];
  int fd = topology == NULL ? -1 : hws_plan_all(state, topology, plan);
  if (fd == -1) {
    hws_offer_ladder(state, topology, HWS_READY, HWS_DECLINED, state->session.reason);
    hws_serve_until(state, HWS_LADDER, HWS_LADDER, NULL);
    return -1;
  }
  snprintf(release, sizeof release, "release generation=%u\n", plan->generation);
  hws_tell_all(state, HWS_RESERVED, HWS_RESERVED, HWS_RELEASED, release);
  hws_offer_ladder(state, topology, HWS_REPLAN, HWS_REPLAN, "its range was taken in each of the plans");
  hws_offer_ladder(state, topology, HWS_DECLINED, HWS_DECLINED, "it cannot adopt");
  hws_adopt(state, plan);
  hws_serve_until(state, HWS_RELEASED, HWS_RELEASED, plan);
  hws_offer_ladder(state, topology, HWS_DECLINED, HWS_DECLINED, "it could not adopt");
  hws_serve_until(state, HWS_LADDER, HWS_LADDER, NULL);
  close(fd);
  return 0;
}

static int hws_join_as_leader(struct hws_state *state) {
  hwloc_share_session *session = &state->session;
  struct hws_plan plan;
  hwloc_topology_t topology;

  state->is_dead = calloc((size_t)session->local_size, 1);
  state->abi = hws_abi();
  if (state->is_dead == NULL || hws_take_the_lead(state) == -1) {
    hws_close(&state->pulse);
    hws_remove_what_is_ours(state);
    return hws_ladder(state, NULL, 0);
  }
  state->leads = 1;
  topology = hws_discover_and_gather(state);
  session->did_discover = 1;
  if (hws_share(state, topology, &plan) == 0 && hws_may_come(state))
    hws_publish(state, &plan);
  /* From now on who comes late finds a plan, or nobody. */
  hws_close(&state->pulse);
  if (!hws_may_come(state))
    hws_remove_what_is_ours(state);

  if (session->how == HWLOC_SHARE_ADOPTED && session->topology != NULL) {
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
  hws_say(state, "%s; discovered the machine on its own", session->reason);
  return HWLOC_SHARE_SUCCESS;
}

static int hws_leader_barrier(struct hws_state *state) {
  char text[64];
  size_t i, waiting;
  for (;;) {
    waiting = 0;
    for (i = 0; i < state->member_count; i++)
      waiting += state->members[i]->stage == HWS_DONE && state->members[i]->barrier < state->barrier;
    if (waiting == 0)
      break;
    hws_serve(state, NULL, NULL, 0);
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
  hws_remove_what_is_ours(state);
  hws_drop_reservation(state);
  hws_hang_up(state);
  hws_close(&state->pulse);
  hws_close(&state->lobby);
  hws_close(&state->channel);
  free(state->members);
  free(state->is_dead);
  free(state->away);
  free(state->outgoing.data);
  free(state);
}

/** A leader that ends without hwloc_share_close() leaves nothing on the node all the same. */
static void hws_at_exit(void) {
  if (hws_state != NULL)
    hws_remove_what_is_ours(hws_state);
}

static int hws_is_set(const char *name) {
  const char *value = getenv(name);
  return value != NULL && *value != '\0' && strcmp(value, "0") != 0;
}

int hwloc_share_join(hwloc_share_session *session, const hwloc_share_options *options) {
  static int is_registered;
  struct hws_identity me;
  struct hws_state *state;
  const char *timeout = getenv("HWLOC_SHARE_TIMEOUT");
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
  hws_identify(&me);
  state->references = 1;
  state->pid = getpid();
  state->channel = state->up = state->down = state->lobby = state->pulse = -1;
  state->timeout = options != NULL && options->timeout > 0 ? options->timeout : timeout != NULL ? atof(timeout) : 0;
  if (!(state->timeout > 0 && state->timeout < 1e6))
    state->timeout = 30;
  state->is_strict = options != NULL && options->strict != 0 ? options->strict > 0 : hws_is_set("HWLOC_SHARE_STRICT");
  state->is_verbose = hws_is_set("HWLOC_SHARE_VERBOSE");
  state->session.rank = me.rank;
  state->session.size = me.size;
  state->session.local_rank = me.local_rank;
  state->session.local_size = me.local_size;
  snprintf(state->session.node, sizeof state->session.node, "%s", me.node);

  if (me.step[0] == '\0' || me.local_size == 1) {
    state->is_alone = 1;
    code = hws_ladder(state, NULL, 0); /* nobody to share with, and nothing to say about it */
  } else {
    const char *job = getenv("HWLOC_SHARE_JOB");
    char key[2048];
    snprintf(key, sizeof key, "%.1000s%s%s", job == NULL ? "" : job, job == NULL ? "" : ".", me.step);
    hws_name_of_key(key, state->key);
    code = hws_enter(state) == -1    ? hws_ladder(state, NULL, 0)
           : me.local_rank == 0 ? hws_join_as_leader(state)
                                : hws_join_as_member(state);
  }
  *session = state->session;
  if (code != HWLOC_SHARE_SUCCESS) {
    hws_free(state);
    return code;
  }
  if (!state->leads)
    hws_close(&state->channel);
  if (state->is_verbose)
    hws_say(state, "%s%s", session->how == HWLOC_SHARE_ADOPTED ? "adopted the topology" : "has a private topology",
            session->did_discover ? ", which it discovered" : "");
  hws_state = state;
  if (!is_registered && state->owns_channel)
    is_registered = atexit(hws_at_exit) == 0;
  return HWLOC_SHARE_SUCCESS;
}

int hwloc_share_barrier(hwloc_share_session *session) {
  struct hws_state *state = hws_state;
  if (session == NULL || session->topology == NULL || state == NULL)
    return HWLOC_SHARE_EINVAL;
  state->barrier++;
  if (state->leads)
    return hws_leader_barrier(state);
  if (state->is_alone || state->down == -1)
    return HWLOC_SHARE_ALONE;
  return hws_member_barrier(state);
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
    return "passed alone";
  case HWLOC_SHARE_ENOTSHARED:
    return "the topology could not be shared";
  case HWLOC_SHARE_ENOTOPOLOGY:
    return "libhwloc could not discover this machine";
  case HWLOC_SHARE_EINVAL:
    return "bad argument, or the session is not open";
  default:
    return "unknown code";
  }
}

#endif /* HWLOC_SHARE_IMPLEMENTATION */
#endif /* HWLOC_SHARE_H */
