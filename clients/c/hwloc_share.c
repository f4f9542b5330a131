/* A rank in C. docs/protocol.md of hwloc-share defines what it does, hwloc_share.h what users get.
 *
 * hwloc_share_join() enters the channel and follows the rounds: follow(). A member says hello, answers plans, and
 * adopts at the release. A rank that gets the lead continues in lead(): it takes over what it finds, gathers the
 * others, negotiates an address, writes the topology and publishes it: share(). Both end in conclude(). Barriers are
 * followed, or led, in the same way.
 *
 * "-1 and a reason": the function returns -1 and has noted why with fail(). "A code": enum hwloc_share_code.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define _FILE_OFFSET_BITS 64

#include "hwloc_share.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hwloc/shmem.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "launchers.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#if HWLOC_API_VERSION >= 0x00020100
#define INCLUDE_DISALLOWED ((unsigned long)HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED)
#else
#define INCLUDE_DISALLOWED ((unsigned long)HWLOC_TOPOLOGY_FLAG_WHOLE_SYSTEM)
#endif

#ifdef __cplusplus
extern "C" {
#endif
/* Weak: NULL in a libhwloc before 2.3, and in a program without MPI. */
int hwloc_topology_refresh(hwloc_topology_t topology) __attribute__((weak));
int MPI_Init(int *argc, char ***argv) __attribute__((weak));
#ifdef __cplusplus
}
#endif

#define LEADS 0x80000000LL /* the leader locks this byte of the roll; each rank locks the byte of its local rank */
#define OWNS (LEADS + 1)   /* the wrapper locks this one: it owns the channel */
#define LINE 4096          /* most bytes of a line in the lobby: one write puts so many into a FIFO in one piece */
#define SHORT_LINK 127     /* most bytes of a link's target that need no block of a tmpfs */
#define PLANS 5            /* after so many plans, ranks whose range is still taken use the fallback */
#define MOST_DEATHS 2      /* deaths of leaders in one join: the discovery itself may kill them */
#define MOST_RANGES 65536  /* that one rank may tell */
#define MOST_PIECES 4096   /* that one job may share */
#define ROOTS 4            /* possible roots, numbered from 1; 0 stands for the channel itself */
#define NAME 160           /* bytes for the name of a directory in a root */
#define PATH (PATH_MAX + 2 * NAME)
#define NONE UINT64_MAX

/** Addresses, the end exclusive. */
struct range {
  uint64_t start, end;
};

struct ranges {
  struct range *list;
  size_t count, size;
};

/** A text that grows. If there is no memory, `has_failed` is set and the text stays as it is. */
struct text {
  char *data;
  size_t used, size;
  int has_failed;
};

enum verb { LEAD, ANEW, PLAN, RELEASE, FALLBACK };

/** What a leader publishes. */
struct round {
  enum verb verb;
  uint64_t number, leader /* its byte */, deaths, passed, is_all, xml /* where it is */, is_this_system, plan, at,
      bytes, abi, offset, base;
  char shape[8], reason[256]; /* shape: empty if it is this machine as hwloc finds it */
};

/** An open directory of a root, and its roll. */
struct place {
  int directory, roll;
};

enum answer { NO_ANSWER, RESERVED, BUSY, DECLINED };

/** Another rank, as its leader knows it. */
struct member {
  struct member *next;
  int64_t local;
  int is_here;    /* has said all of its hello, or has answered */
  int is_talking; /* more lines are to come */
  int has_ended;  /* its byte was locked, and is not locked any more */
  int is_done, wants_xml;
  int has_failed;     /* could not adopt, and waits for XML */
  enum answer answer; /* to the plan */
  struct ranges taken;
  char cpus[1024], mems[1024]; /* empty: not told */
  uint64_t barrier;            /* the last one that it has come to */
};

/** A discovery in its own thread: it may take long, and the leader must show meanwhile that it is alive. */
struct discovery {
  enum hwloc_share_io io;
  unsigned long flags;
  hwloc_topology_t topology;
  int error, end; /* end: readable when it is over; -1 if none is running */
  pthread_t thread;
};

struct leader {
  struct member *members;
  int had_gathered;     /* the leader before it had: it waits only for ranks that are there */
  double last, renewed; /* last: when the last rank came. renewed: when the leader last showed that it is alive */
  char heard[65536];    /* read from the lobby, and not handled yet */
  size_t used;
  int is_skipping, nonsense; /* a line that is too long; lines that were not understood */
  struct discovery discovery;
  hwloc_topology_t topology;
  struct text index;  /* the index of the data, if there is any */
  size_t data_bytes;  /* of the data and its index; a multiple of the page size */
  struct place store; /* the directory for the topology */
  int base, file;     /* base: the number of the store's root. file: the topology's, until the release */
  char file_name[32];
  uint64_t barrier;   /* the number of the barrier that this rank waits at */
  struct round final; /* the line that was published last, after the join */
};

/** This process in its job. There is one. */
struct rank {
  hwloc_share_session session;
  hwloc_share_options options; /* with the defaults filled in */
  struct hws_identity identity;
  char trouble[512]; /* what went wrong last */
  pid_t pid;
  int references, is_verbose;
  char key[2400], name[NAME], store_name[NAME];
  const char *step;                     /* for the link `step`; NULL if the channel needs none */
  char shape[8];                        /* which topology it asks for, as in a round */
  char roots[ROOTS + 1][PATH_MAX + 64]; /* empty: not set, or cannot be used */
  int root;                             /* the number of the channel's root */
  int64_t byte;
  struct place channel;
  int lobby, gate; /* gate: the one that a member waits at, or that the leader holds open */
  int is_visitor, leads, has_said_hello, has_seen_round, has_seen_first /* local rank 0 */, has_said_outside;
  int wants_own;                   /* it has declined a plan, since it asks for another topology */
  int expected;                    /* how many ranks can come: those of this node, else of the job; -1: not told */
  uint64_t round;                  /* the last one that this rank has seen */
  double started, arrived, failed; /* started: the process; -1: not known yet. failed: when it said `failed`, or 0 */
  double busy;                     /* the CPU time that this process used until then */
  double silent, looked;           /* silent: seconds without a sign of the leader, counted up to `looked` */
  struct timespec renewed;         /* when the leader last showed that it is alive */
  struct text says;                /* lines for the lobby */
  size_t said;                     /* how many bytes of them are written */
  hwloc_topology_t probe;          /* an empty topology, which tells the ABI */
  void *reserved, *mapped;         /* mapped: the leader's data */
  size_t reserved_bytes, mapped_bytes;
  const hwloc_share_piece *pieces; /* this rank's own data, if it needed that */
  size_t piece_count;
  const char *outside; /* why this rank cannot meet the others at barriers; NULL if it can */
  uint64_t barriers;   /* the last one that this rank has come to */
  struct leader *leader;
};

static struct rank *self;

/* ---- Small things ---- */

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void nap(double seconds) { poll(NULL, 0, (int)(seconds * 1000)); }

/** Closes a descriptor, if it is open. Keeps errno. */
static void shut(int *fd) {
  int error = errno;
  if (*fd != -1)
    close(*fd);
  *fd = -1;
  errno = error;
}

/** One line on stderr: who, what, why. */
static void say(const struct rank *rank, const char *format, ...) {
  char text[1024], line[1400];
  va_list words;
  va_start(words, format);
  vsnprintf(text, sizeof text, format, words);
  va_end(words);
  for (size_t i = 0; text[i] != '\0'; i++)
    if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
      text[i] = '?'; /* the text may come from other processes */
  snprintf(line, sizeof line, "hwloc-share: node %s, rank %d: %s\n", rank->session.node, rank->session.rank, text);
  if (write(STDERR_FILENO, line, strlen(line)) == -1)
    return; /* stderr is closed or full: the job goes on */
}

/** Notes the reason of a failure. Returns -1. */
static int fail(struct rank *rank, const char *format, ...) {
  va_list words;
  va_start(words, format);
  vsnprintf(rank->trouble, sizeof rank->trouble, format, words);
  va_end(words);
  return -1;
}

static const char *error_text(int error) { return error == 0 ? "it did not say why" : strerror(error); }

static int is_on(const char *name) {
  const char *value = hws_setting(name);
  return value != NULL && strcmp(value, "0") != 0 && strcasecmp(value, "no") != 0 && strcasecmp(value, "false") != 0 &&
         strcasecmp(value, "off") != 0;
}

/* ---- Lines ---- */

/** Appends to a text, as printf() does. */
static void add(struct text *text, const char *format, ...) {
  va_list words;
  char *more, *data;
  int length;
  va_start(words, format);
  length = vasprintf(&more, format, words);
  va_end(words);
  if (length >= 0 && text->used + (size_t)length >= text->size) {
    text->size = 2 * text->size + (size_t)length + 256;
    data = (char *)realloc(text->data, text->size);
    text->has_failed |= data == NULL;
    text->data = data == NULL ? text->data : data;
  }
  text->has_failed |= length < 0;
  if (!text->has_failed) {
    memcpy(text->data + text->used, more, (size_t)length + 1);
    text->used += (size_t)length;
  }
  if (length >= 0)
    free(more);
}

/** Appends a word of a line; none if the value is empty. `%` and bytes that are not printable ASCII become `%XX`. */
static void add_word(struct text *text, const char *key, const char *value) {
  if (*value != '\0')
    add(text, " %s=", key);
  for (; *value != '\0'; value++)
    add(text, *value > ' ' && *value <= '~' && *value != '%' ? "%c" : "%%%02x", (int)(unsigned char)*value);
}

static int is_verb(const char *line, const char *verb) {
  size_t length = strlen(verb);
  return strncmp(line, verb, length) == 0 && (line[length] == ' ' || line[length] == '\0');
}

/** Finds a word of a line, and decodes its value, cut to `size`. NULL if the line does not have it. */
static const char *word_of(const char *line, const char *key, char *value, size_t size) {
  size_t length = strlen(key), used = 0;
  while ((line = strchr(line, ' ')) != NULL && (strncmp(++line, key, length) != 0 || line[length] != '='))
    ;
  if (line == NULL)
    return NULL;
  for (line += length + 1; *line != '\0' && *line != ' ' && used + 1 < size; line++, used++) {
    unsigned byte = (unsigned char)*line;
    if (*line == '%' && sscanf(line + 1, "%2x", &byte) == 1)
      line += line[2] == '\0' ? 1 : 2;
    value[used] = (char)byte;
  }
  value[used] = '\0';
  return value;
}

/** The number in a word of a line; `absent` if the line does not have it, or it is not a number. */
static uint64_t number_or(const char *line, const char *key, int base, uint64_t absent) {
  char word[32];
  uint64_t number;
  return hws_number(word_of(line, key, word, sizeof word), base, &number) ? number : absent;
}

static uint64_t number_of(const char *line, const char *key) { return number_or(line, key, 10, NONE); }

enum { IN_JOIN = 1 << LEAD | 1 << ANEW | 1 << PLAN, IN_FINAL = 1 << RELEASE | 1 << FALLBACK };
enum { IN_PLANNED = 1 << PLAN | 1 << RELEASE };

static const char *const verbs[] = {"lead", "anew", "plan", "release", "fallback"};

#define MUST (NONE - 1)
#define AT(field) offsetof(struct round, field)

/** The numbers in the line of a round: which verbs have them, and their value if they are missing (MUST: an error). */
static const struct {
  const char *key;
  int base, verbs;
  size_t at;
  uint64_t absent;
} fields[] = {
    {"round", 10, IN_JOIN | IN_FINAL, AT(number), MUST},
    {"leader", 10, IN_JOIN, AT(leader), NONE},
    {"deaths", 10, 1 << ANEW | 1 << PLAN, AT(deaths), 0},
    {"passed", 10, IN_FINAL, AT(passed), MUST},
    {"all", 10, IN_FINAL, AT(is_all), 0},
    {"xml", 10, IN_FINAL, AT(xml), NONE},
    {"thissystem", 10, IN_FINAL, AT(is_this_system), 0},
    {"plan", 10, 1 << RELEASE, AT(plan), MUST},
    {"at", 16, IN_PLANNED, AT(at), MUST},
    {"bytes", 16, IN_PLANNED, AT(bytes), MUST},
    {"abi", 16, IN_PLANNED, AT(abi), MUST},
    {"offset", 16, IN_PLANNED, AT(offset), 0},
    {"base", 10, IN_PLANNED, AT(base), 0},
};
enum { FIELDS = sizeof fields / sizeof *fields };

static uint64_t *field(struct round *round, int i) { return (uint64_t *)(void *)((char *)round + fields[i].at); }

/** Reads the line of a round. 0 if it cannot be understood. */
static int parse_round(const char *line, struct round *round) {
  int verb;
  memset(round, 0, sizeof *round);
  for (verb = LEAD; verb <= FALLBACK && !is_verb(line, verbs[verb]); verb++)
    ;
  for (int i = 0; i < FIELDS; i++) {
    *field(round, i) = number_or(line, fields[i].key, fields[i].base, fields[i].absent);
    if (*field(round, i) == MUST && (fields[i].verbs & 1 << verb) != 0)
      return 0;
    if (*field(round, i) == MUST)
      *field(round, i) = 0;
  }
  round->verb = (enum verb)verb;
  if (round->verb == PLAN)
    round->plan = round->number;
  word_of(line, "shape", round->shape, sizeof round->shape);
  word_of(line, "reason", round->reason, sizeof round->reason);
  if ((IN_PLANNED & 1 << verb) != 0 &&
      (round->bytes == 0 || round->bytes > UINTPTR_MAX - round->at || round->base > ROOTS))
    return 0;
  return verb <= FALLBACK;
}

static void format_round(struct text *line, struct round *round) {
  int in = 1 << round->verb;
  line->used = 0;
  add(line, "%s", verbs[round->verb]);
  for (int i = 0; i < FIELDS; i++)
    if ((fields[i].verbs & in) != 0 && *field(round, i) != fields[i].absent)
      add(line, fields[i].base == 16 ? " %s=%llx" : " %s=%llu", fields[i].key, (unsigned long long)*field(round, i));
  if ((in & IN_PLANNED) != 0 || (round->verb == FALLBACK && round->xml != NONE))
    add_word(line, "shape", round->shape);
  if (round->verb == FALLBACK)
    add_word(line, "reason", round->reason);
}

/* ---- Keys ---- */

/** Reads the next character of a UTF-8 text as one or two UTF-16 units; returns how many. If it is not UTF-8: U+FFFD.
 */
static int next_units(const char **at, unsigned units[2]) {
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

/** FNV-1a over UTF-16 units. */
static unsigned hash_of_key(const char *key) {
  unsigned value = 2166136261u, units[2];
  while (*key != '\0') {
    int found = next_units(&key, units), i;
    for (i = 0; i < found; i++)
      value = (value ^ units[i]) * 16777619u;
  }
  return value;
}

/* ---- Address ranges: what is occupied, and what is free in all ranks ---- */

static int add_range(struct ranges *ranges, uint64_t start, uint64_t end) {
  if (ranges->count > 0 && ranges->list[ranges->count - 1].end == start) {
    ranges->list[ranges->count - 1].end = end;
    return 0;
  }
  if (ranges->count == ranges->size) {
    size_t size = ranges->size * 2 + 64;
    struct range *list = (struct range *)realloc(ranges->list, size * sizeof *list);
    if (list == NULL)
      return -1;
    ranges->list = list;
    ranges->size = size;
  }
  ranges->list[ranges->count].start = start;
  ranges->list[ranges->count++].end = end;
  return 0;
}

/** Appends the range at the start of a text. 1: done. 0: the text does not start with one. -1: an impossible range. */
static int parse_range(const char *text, struct ranges *ranges) {
  static const char digits[] = "0123456789abcdefABCDEF";
  size_t first = strspn(text, digits), second = text[first] == '-' ? strspn(text + first + 1, digits) : 0;
  uint64_t start, end;
  if (first == 0 || second == 0 || strchr(" ", text[first + 1 + second]) == NULL)
    return 0;
  start = strtoull(text, NULL, 16);
  end = strtoull(text + first + 1, NULL, 16);
  if (first > 16 || second > 16 || start >= end || ranges->count >= MOST_RANGES)
    return -1;
  return add_range(ranges, start, end) == 0 ? 1 : -1;
}

static int compare_ranges(const void *a, const void *b) {
  const struct range *left = (const struct range *)a, *right = (const struct range *)b;
  return left->start < right->start ? -1 : left->start > right->start;
}

/** What is mapped in this process; the end of its heap and the start of its stack, or 0. -1 if /proc cannot be read. */
static int own_ranges(struct ranges *ranges, uint64_t *heap, uint64_t *stack) {
  char line[PATH_MAX + 256];
  FILE *maps = fopen("/proc/self/maps", "re");
  int is_good = maps != NULL;
  memset(ranges, 0, sizeof *ranges);
  *heap = *stack = 0;
  while (is_good && fgets(line, sizeof line, maps) != NULL) {
    is_good = parse_range(line, ranges) == 1;
    if (is_good && strstr(line, " [heap]\n") != NULL)
      *heap = ranges->list[ranges->count - 1].end;
    if (is_good && strstr(line, " [stack]\n") != NULL)
      *stack = strtoull(line, NULL, 16);
  }
  is_good = is_good && !ferror(maps) && ranges->count > 0;
  if (maps != NULL)
    fclose(maps);
  return is_good ? 0 : -1;
}

static uint64_t up(uint64_t address, uint64_t alignment) { return (address + alignment - 1) / alignment * alignment; }

/** The first multiple of `step` at which `bytes` are free between `from` and `end`, or 0. The ranges are sorted. */
static uint64_t first_fit(const struct ranges *taken, uint64_t from, uint64_t end, uint64_t bytes, uint64_t step) {
  from = up(from, step);
  for (size_t i = 0; i < taken->count && taken->list[i].start < from + bytes; i++)
    if (taken->list[i].end > from)
      from = up(taken->list[i].end, step);
  return from < end && end - from >= bytes ? from : 0;
}

/**
 * An address at which `bytes` are free in all ranks and below `top`; 0 if there is none. The ranges are sorted.
 *
 * It lies in a window that nothing else uses: programs and their heaps are at 0x55.. and 0x56.. or far below,
 * libraries, stacks and new mappings above 0x7e.., the memory of JavaScript engines below 0x40... The place in the
 * window depends on `number`, since other jobs choose an address there, too. If neither window has room (some machines
 * have less address space), it lies above the first quarter of the space that there is.
 */
static uint64_t choose(const struct ranges *taken, uint64_t bytes, uint64_t top, uint64_t number) {
  static const struct range windows[] = {{0x400000000000u, 0x540000000000u}, {0x600000000000u, 0x700000000000u}};
  const uint64_t step = 0x200000;
  uint64_t address = 0;
  for (int i = 0; address == 0 && i < 2; i++) {
    uint64_t start = windows[i].start, end = windows[i].end < top ? windows[i].end : top;
    if (start < end)
      address = first_fit(taken, start + number * step % (end - start), end, bytes, step);
    if (start < end && address == 0)
      address = first_fit(taken, start, end, bytes, step);
  }
  return address != 0 ? address : first_fit(taken, top / 4, top, bytes, step);
}

static void drop_reservation(struct rank *rank) {
  if (rank->reserved != NULL)
    munmap(rank->reserved, rank->reserved_bytes);
  rank->reserved = NULL;
}

/** Reserves the range of a plan. 0: done. 1: something is mapped there. -1 and errno: it cannot be mapped at all. */
static int reserve(struct rank *rank, const struct round *plan) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
  void *wanted = (void *)(uintptr_t)plan->at, *got;
  drop_reservation(rank);
  got = mmap(wanted, (size_t)plan->bytes, PROT_NONE, flags, -1, 0);
  if (got == MAP_FAILED)
    return errno == EEXIST ? 1 : -1;
  if (got != wanted) { /* Linux before 4.17, for which the address is only a hint */
    munmap(got, (size_t)plan->bytes);
    return 1;
  }
  rank->reserved = got;
  rank->reserved_bytes = (size_t)plan->bytes;
  return 0;
}

/* ---- Directories and the roll ---- */

/** Opens a file that must have this type, belong to this user and be closed to others. -1 and errno, EPERM if not. */
static int open_ours(int at, const char *name, int flags, mode_t type) {
  struct stat found;
  int fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd != -1 && (fstat(fd, &found) == -1 || (found.st_mode & S_IFMT) != type || found.st_uid != geteuid() ||
                   (found.st_mode & 077) != 0)) {
    close(fd);
    errno = EPERM;
    return -1;
  }
  return fd;
}

static int open_directory(int at, const char *name) { return open_ours(at, name, O_RDONLY | O_DIRECTORY, S_IFDIR); }

static int open_root(const struct rank *rank, int i) {
  errno = ENOENT;
  return rank->roots[i][0] == '\0' ? -1 : open_directory(AT_FDCWD, rank->roots[i]);
}

/** Sets locks on a roll, or looks at them. Not with F_OFD_SETLK: a child made by fork would keep such locks. */
static int control(int roll, int command, short type, int64_t start, int64_t length, struct flock *bytes) {
  memset(bytes, 0, sizeof *bytes);
  bytes->l_type = type;
  bytes->l_whence = SEEK_SET;
  bytes->l_start = (off_t)start;
  bytes->l_len = (off_t)length;
  return fcntl(roll, command, bytes);
}

/** Locks bytes of a roll, or unlocks them. -1 and errno. */
static int lock(int roll, short type, int64_t start, int64_t length) {
  struct flock bytes;
  return control(roll, F_SETLK, type, start, length, &bytes);
}

/** Finds a lock that another process has on one of these bytes. 0 if there is none. */
static int find_lock(int roll, int64_t start, int64_t end, struct flock *found) {
  return start < end && control(roll, F_GETLK, F_WRLCK, start, end - start, found) == 0 && found->l_type != F_UNLCK;
}

static int is_held(const struct rank *rank, int64_t byte) {
  struct flock found;
  return find_lock(rank->channel.roll, byte, byte + 1, &found);
}

/** Whether the roll under this name is the one that is open. */
static int is_named(int root, const char *name, int roll) {
  char path[NAME + 8];
  struct stat here, there;
  snprintf(path, sizeof path, "%s/roll", name);
  return fstat(roll, &here) == 0 && fstatat(root, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
         here.st_ino == there.st_ino && here.st_dev == there.st_dev;
}

/** A random name for a directory that is being built (`new`) or removed (`old`). */
static void passing_name(const char *what, char name[NAME]) {
  uint64_t random = (uint64_t)(now() * 1e9);
  if (getentropy(&random, sizeof random) == -1)
    random ^= (uint64_t)getpid() << 40;
  snprintf(name, NAME, ".%s-%016llx", what, (unsigned long long)random);
}

/** Removes a directory and all in it. The roll goes last: if this process is killed, the next sweep still knows it. */
static void remove_directory(int root, const char *name) {
  int fd = open_directory(root, name);
  DIR *directory = fd == -1 ? NULL : fdopendir(fd);
  struct dirent *entry;
  while (directory != NULL && (entry = readdir(directory)) != NULL)
    if (strcmp(entry->d_name, "roll") != 0)
      unlinkat(fd, entry->d_name, 0);
  if (fd != -1)
    unlinkat(fd, "roll", 0);
  if (directory != NULL)
    closedir(directory);
  else
    shut(&fd);
  unlinkat(root, name, AT_REMOVEDIR);
}

/** Whether the process that made a directory has yet to lock it: its roll says so, and is new. */
static int is_unclaimed(int roll) {
  struct stat found;
  return fstat(roll, &found) == 0 && found.st_size > 0 && time(NULL) - found.st_mtime < 10;
}

/**
 * Removes a directory of a root if nobody has a lock on its roll. Returns whether it is gone. Not for a directory that
 * this process is in: closing a roll ends all locks that the process has on it.
 */
static int remove_if_dead(int root, const char *name) {
  char passing[NAME];
  int is_gone = 0, directory = open_directory(root, name);
  int roll = directory == -1 ? -1 : open_ours(directory, "roll", O_RDWR, S_IFREG);
  if (directory != -1 && roll == -1 && errno == ENOENT)
    unlinkat(root, name, AT_REMOVEDIR); /* it is empty: the process that made or removed it was killed */
  if (roll != -1 && !is_unclaimed(roll) && lock(roll, F_WRLCK, 0, OWNS + 1) == 0 && is_named(root, name, roll)) {
    passing_name("old", passing);
    is_gone = renameat(root, name, root, passing) == 0;
    if (is_gone)
      remove_directory(root, passing);
  }
  shut(&roll);
  shut(&directory);
  return is_gone;
}

/** Removes what dead jobs left in all roots. */
static void sweep(const struct rank *rank) {
  for (int i = 1; i <= ROOTS; i++) {
    int root = open_root(rank, i);
    DIR *directory = root == -1 ? NULL : fdopendir(root);
    struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL)
      if (strcmp(entry->d_name, rank->name) != 0 && strcmp(entry->d_name, rank->store_name) != 0 &&
          strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
        remove_if_dead(root, entry->d_name);
    if (root != -1)
      rmdir(rank->roots[i]); /* fails if it is not empty */
    if (directory != NULL)
      closedir(directory);
    else
      shut(&root);
  }
}

enum entering { ENTERED, AGAIN, ABSENT, UNUSABLE };

/** Whether this channel is for this rank's step; if it is not for any step yet, it is from now on. */
static int is_own_step(const struct rank *rank, int channel) {
  char step[sizeof rank->identity.step + 1];
  ssize_t length;
  if (rank->step == NULL || symlinkat(rank->step, channel, "step") == 0 || errno != EEXIST)
    return 1;
  length = readlinkat(channel, "step", step, sizeof step - 1);
  step[length < 0 ? 0 : length] = '\0';
  return strcmp(step, rank->step) == 0;
}

static void set_key(struct rank *rank, const char *key);

/** The channel of this name is for another step: takes another name. */
static void avoid_other_step(struct rank *rank) {
  char key[sizeof rank->key];
  snprintf(key, sizeof key, "%.1000s.%s", hws_setting("HWLOC_SHARE_JOB"), rank->step);
  rank->step = NULL;
  set_key(rank, key);
}

/** Enters a channel that exists. UNUSABLE: errno says why. */
static enum entering enter_made(struct rank *rank) {
  struct place *channel = &rank->channel;
  struct flock found;
  enum entering result = UNUSABLE;
  int root = open_root(rank, rank->root);
  rank->is_visitor = 0;
  channel->directory = root == -1 ? -1 : open_directory(root, rank->name);
  channel->roll = channel->directory == -1 ? -1 : open_ours(channel->directory, "roll", O_RDWR, S_IFREG);
  if (channel->roll == -1) {
    result = errno == ENOENT ? ABSENT : UNUSABLE;
  } else if (!is_own_step(rank, channel->directory)) {
    avoid_other_step(rank);
    result = AGAIN;
  } else if (lock(channel->roll, F_WRLCK, rank->byte, 1) == 0) {
    result = is_named(root, rank->name, channel->roll) ? ENTERED : AGAIN;
  } else if (errno == EAGAIN || errno == EACCES) {
    /* One byte: another process has this rank's number. More: a process is removing the channel. */
    rank->is_visitor = find_lock(channel->roll, rank->byte, rank->byte + 1, &found) && found.l_len == 1;
    result = rank->is_visitor && is_named(root, rank->name, channel->roll) ? ENTERED : AGAIN;
  } /* else the file system has no locks */
  if (result != ENTERED) {
    shut(&channel->roll);
    shut(&channel->directory);
  }
  shut(&root);
  return result;
}

/** Makes a directory with a roll and locks our byte, under another name first. UNUSABLE: errno says why. */
static enum entering build(struct rank *rank, int i, const char *name, struct place *place) {
  int is_channel = place == &rank->channel, root, is_made, error;
  char passing[NAME];
  if (mkdir(rank->roots[i], 0700) == -1 && errno != EEXIST)
    return UNUSABLE;
  if ((root = open_root(rank, i)) == -1)
    return errno == ENOENT ? AGAIN : UNUSABLE;
  passing_name("new", passing);
  is_made = mkdirat(root, passing, 0700) == 0 && (place->directory = open_directory(root, passing)) != -1 &&
            (place->roll = openat(place->directory, "roll", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) != -1 &&
            lock(place->roll, F_WRLCK, rank->byte, 1) == 0 && is_own_step(rank, place->directory);
  if (is_made && is_channel)
    is_made = mkfifoat(place->directory, "lobby", 0600) == 0 && mkfifoat(place->directory, "gate.1", 0600) == 0;
  is_made = is_made && renameat(root, passing, root, name) == 0;
  error = errno;
  if (!is_made) {
    shut(&place->roll);
    shut(&place->directory);
    remove_directory(root, passing);
    rmdir(rank->roots[i]);
  }
  close(root);
  errno = error;
  if (is_made)
    return ENTERED;
  /* Another rank was faster; or another process took it for an empty or dead directory, and removed it. */
  return error == EEXIST || error == ENOTEMPTY || error == ENOENT || error == EAGAIN ? AGAIN : UNUSABLE;
}

/** Enters the channel if it exists, else makes it in the first root that can be used. ABSENT: there is no root. */
static enum entering try_to_enter(struct rank *rank) {
  enum entering result = ABSENT;
  for (int turn = 0; turn < 2 * ROOTS; turn++) {
    char *root = rank->roots[rank->root = turn % ROOTS + 1];
    if (*root == '\0')
      continue;
    result = turn < ROOTS ? enter_made(rank) : build(rank, rank->root, rank->name, &rank->channel);
    if (result == ENTERED || result == AGAIN)
      return result;
    if (result == ABSENT)
      continue;
    fail(rank, "no directory for a channel: %s", strerror(errno));
    if (errno == EPERM || errno == ELOOP || errno == ENOTDIR)
      say(rank,
          "%s is a link, not a directory, another user's, or open to others; refused: "
          "remove it, or set HWLOC_SHARE_DIR to another directory",
          root);
    *root = '\0';
  }
  return result;
}

/** Enters the channel of this job. -1 and a reason. */
static int enter(struct rank *rank) {
  double until = now() + 1; /* a removal takes microseconds, unless the process that does it is stopped */
  enum entering result;
  fail(rank, "no directory for a channel");
  while ((result = try_to_enter(rank)) == AGAIN && now() < until)
    nap(0.001);
  if (result == AGAIN)
    return fail(rank, "the channel of this job is still being removed after a second");
  return result == ENTERED ? 0 : -1;
}

static void close_store(struct leader *leader) {
  shut(&leader->file);
  shut(&leader->store.roll);
  shut(&leader->store.directory);
}

/** Closes all that this process has of the channel. */
static void let_go(struct rank *rank) {
  shut(&rank->gate);
  shut(&rank->lobby);
  if (rank->leader != NULL)
    close_store(rank->leader);
  shut(&rank->channel.roll);
  shut(&rank->channel.directory);
}

/** Removes a directory from a root if it is dead, and an empty root. Returns whether the directory is gone. */
static int remove_from(const struct rank *rank, int i, const char *name) {
  int root = open_root(rank, i), is_gone = root != -1 && remove_if_dead(root, name);
  shut(&root);
  if (is_gone)
    rmdir(rank->roots[i]);
  return is_gone;
}

/** Leaves the channel. The last rank to leave removes it, and what leaders wrote elsewhere. */
static void leave(struct rank *rank) {
  if (rank->channel.roll == -1)
    return;
  if (rank->leads)
    lock(rank->channel.roll, F_UNLCK, LEADS, 1); /* first: when the gate ends, ranks look for a leader */
  let_go(rank);
  if (remove_from(rank, rank->root, rank->name))
    for (int i = 1; i <= ROOTS; i++)
      remove_from(rank, i, rank->store_name);
}

/* ---- Topologies ---- */

/** Loads the leader's XML, or (NULL) the topology of this machine or what hwloc's variables name. NULL and errno. */
static hwloc_topology_t load(const char *xml, enum hwloc_share_io io, unsigned long flags) {
  enum hwloc_type_filter_e filter = HWLOC_TYPE_FILTER_KEEP_IMPORTANT;
  hwloc_topology_t topology;
  if (hwloc_topology_init(&topology) == -1)
    return NULL;
  if (io == HWLOC_SHARE_IO_ALL || io == HWLOC_SHARE_IO_NONE)
    filter = io == HWLOC_SHARE_IO_ALL ? HWLOC_TYPE_FILTER_KEEP_ALL : HWLOC_TYPE_FILTER_KEEP_NONE;
  hwloc_topology_set_io_types_filter(topology, filter);
  if (xml != NULL) /* the leader has filtered it */
    hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL);
  hwloc_topology_set_flags(topology, flags);
  if ((xml == NULL || hwloc_topology_set_xml(topology, xml) == 0) && hwloc_topology_load(topology) == 0)
    return topology;
  hwloc_topology_destroy(topology);
  return NULL;
}

/** The ABI word of a topology: its first 4 bytes. */
static uint64_t abi_of(hwloc_topology_t topology) {
  uint32_t word;
  memcpy(&word, (const void *)topology, sizeof word);
  return word;
}

/** The ABI word of this process's libhwloc, or 0. Keeps libhwloc initialized until drop_probe(). */
static uint64_t own_abi(struct rank *rank) {
  /* An empty path: adopting needs no plugins, and loading them takes 50 times as long as the rest. */
  int is_plain = rank->probe == NULL && !rank->options.plugins && MPI_Init == NULL &&
                 getenv("HWLOC_PLUGINS_PATH") == NULL && setenv("HWLOC_PLUGINS_PATH", "", 1) == 0;
  if (rank->probe == NULL && hwloc_topology_init(&rank->probe) == -1)
    rank->probe = NULL;
  if (is_plain)
    unsetenv("HWLOC_PLUGINS_PATH");
  return rank->probe == NULL ? 0 : abi_of(rank->probe);
}

static void drop_probe(struct rank *rank) {
  if (rank->probe != NULL)
    hwloc_topology_destroy(rank->probe);
  rank->probe = NULL;
}

/** Opens a file that the leader wrote, in the root of this number, or (0) in the channel. -1 and a reason. */
static int open_written(struct rank *rank, uint64_t base, const char *name, uint64_t bytes) {
  char path[PATH];
  struct stat found;
  int fd;
  if (base > 0)
    snprintf(path, sizeof path, "%s/%s/%s", rank->roots[base % (ROOTS + 1)], rank->store_name, name);
  else
    snprintf(path, sizeof path, "%s", name);
  fd = open_ours(rank->channel.directory, path, O_RDONLY, S_IFREG);
  if (fd == -1)
    return fail(rank, "%.300s: %s", path, strerror(errno));
  if (fstat(fd, &found) == 0 && (uint64_t)found.st_size >= bytes)
    return fd;
  close(fd);
  return fail(rank, "%.300s is shorter than it should be", path);
}

/** The name of the file of the plan of this round. */
static void name_file(char name[32], uint64_t plan) { snprintf(name, 32, "topology.%llu", (unsigned long long)plan); }

static int open_topology(struct rank *rank, const struct round *round) {
  char name[32];
  name_file(name, round->plan);
  return open_written(rank, round->base, name, round->offset + round->bytes);
}

/** Whether this rank can adopt a topology at all. If not: what it wants instead, and a reason as of fail(). */
enum fitting { FITS, WANTS_XML, WANTS_OWN };

static enum fitting refuse_shape(struct rank *rank) {
  fail(rank, "it asks for another topology than the leader does "
             "(HWLOC_SYNTHETIC, HWLOC_XMLFILE, HWLOC_FSROOT, HWLOC_CPUID_PATH or HWLOC_COMPONENTS)");
  return WANTS_OWN;
}

static enum fitting does_fit(struct rank *rank, const struct round *round) {
  if (strcmp(round->shape, rank->shape) != 0)
    return refuse_shape(rank);
  if (round->abi == own_abi(rank))
    return FITS;
  fail(rank, "its libhwloc has ABI 0x%llx, the leader's 0x%llx", (unsigned long long)own_abi(rank),
       (unsigned long long)round->abi);
  return WANTS_XML;
}

/** Adopts a released topology, at the range that this rank has reserved. -1 and a reason. */
static int adopt(struct rank *rank, const struct round *round) {
  hwloc_share_session *session = &rank->session;
  void *address = (void *)(uintptr_t)round->at;
  int result, fd = open_topology(rank, round);
  if (fd == -1)
    return -1;
  drop_reservation(rank);
  errno = 0; /* the library does not always set it */
  result = hwloc_shmem_topology_adopt(&session->topology, fd, round->offset, address, (size_t)round->bytes, 0);
  shut(&fd);
  if (result == -1) {
    session->topology = NULL;
    return errno == EBUSY ? fail(rank, "its range was taken")
                          : fail(rank, "hwloc_shmem_topology_adopt: %s", error_text(errno));
  }
  drop_probe(rank);
  session->how = HWLOC_SHARE_ADOPTED;
  session->address = address;
  session->length = (size_t)round->bytes;
  return 0;
}

/** The CPUs and NUMA nodes that the cgroup of this process allows (it may be bound to fewer). Empty if not known. */
static void find_allowed(char cpus[1024], char mems[1024]) {
  static const char *const forms[] = {"%s/cpuset.cpus.effective", "/unified%s/cpuset.cpus.effective",
                                      "/cpuset%s/cpuset.effective_cpus", "/cpuset%s/cpuset.cpus"};
  char group[PATH_MAX], path[PATH] = "/sys/fs/cgroup", status[8192], *line;
  size_t root = strlen(path);
  if (hws_read("/proc/self/cpuset", group, sizeof group) > 0)
    for (size_t i = 0; i < 4 && *cpus == '\0'; i++) {
      group[strcspn(group, "\n")] = '\0';
      snprintf(path + root, sizeof path - root, forms[i], group);
      if (hws_read(path, cpus, 1024) > 0)
        cpus[strcspn(cpus, "\n")] = '\0';
    }
  /* Only the NUMA nodes there are the cgroup's: the CPUs are those that the process is bound to. */
  if (hws_read("/proc/self/status", status, sizeof status) > 0 &&
      (line = strstr(status, "\nMems_allowed_list:")) != NULL)
    sscanf(line, "\nMems_allowed_list: %1023s", mems);
}

/**
 * For a rank that cannot adopt: loads the leader's XML, else discovers the machine. If `reason` is empty, nothing went
 * wrong, and it says nothing. A code.
 */
static int take_fallback(struct rank *rank, const struct round *round, const char *reason) {
  hwloc_share_session *session = &rank->session;
  unsigned long flags =
      INCLUDE_DISALLOWED | (round != NULL && round->is_this_system ? HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM : 0);
  const char *what = "keeping its own copy of the topology";
  char path[48];
  int fd = -1;
  drop_reservation(rank);
  drop_probe(rank); /* it may have no plugins */
  snprintf(session->reason, sizeof session->reason, "%s", reason);
  if (rank->options.strict && *reason != '\0')
    return HWLOC_SHARE_ENOTSHARED;
  session->how = HWLOC_SHARE_DISCOVERED;
  if (rank->leader != NULL && rank->leader->topology != NULL) {
    session->topology = rank->leader->topology;
    rank->leader->topology = NULL;
  } else if (round != NULL && round->xml != NONE && (fd = open_written(rank, round->xml, "topology.xml", 1)) != -1) {
    what = "using a private copy of the leader's topology";
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    session->topology = load(path, HWLOC_SHARE_IO_ALL, flags);
    session->how = HWLOC_SHARE_XML;
    shut(&fd);
  }
  if (session->topology == NULL) {
    what = "discovered the machine on its own";
    session->how = HWLOC_SHARE_DISCOVERED;
    session->did_discover = 1;
    session->topology = load(NULL, rank->options.io, 0);
  }
  if (session->topology == NULL) {
    snprintf(session->reason, sizeof session->reason, "libhwloc could not discover this machine: %s",
             error_text(errno));
    return HWLOC_SHARE_ENOTOPOLOGY;
  }
  if (*session->reason != '\0')
    say(rank, "%s; %s", session->reason, what);
  return HWLOC_SHARE_SUCCESS;
}

/* ---- Data in front of the topology ---- */

static int are_pieces(const hwloc_share_piece *pieces, size_t count) {
  size_t i = 0;
  while (i < count && pieces != NULL && pieces[i].name != NULL && pieces[i].name[0] != '\0' &&
         strlen(pieces[i].name) < 256 && (pieces[i].bytes != NULL || pieces[i].length == 0))
    i++;
  return i == count && count <= MOST_PIECES;
}

/** Takes the pieces in the options, or calls the function that makes them. -1 and a reason. */
static int make_pieces(struct rank *rank) {
  const hwloc_share_options *options = &rank->options;
  if (rank->pieces != NULL)
    return 0;
  rank->pieces = options->share;
  rank->piece_count = options->share_count;
  if (options->make_share == NULL ||
      (options->make_share(options->share_context, &rank->pieces, &rank->piece_count) == 0 &&
       are_pieces(rank->pieces, rank->piece_count)))
    return 0;
  rank->piece_count = 0;
  return fail(rank, "the function that makes the data failed");
}

/** Makes the index of the data. Its numbers have 14 digits, so its length does not depend on them. */
static void make_index(struct rank *rank) {
  struct text *index = &rank->leader->index;
  for (int pass = 0; pass < 2; pass++) { /* the first pass finds the length */
    uint64_t length = index->used, at = length;
    size_t i;
    index->used = 0;
    add(index, "index hwloc-share=1 bytes=%014llx\n", (unsigned long long)length);
    for (i = 0; i < rank->piece_count; i++) {
      at = up(at, 64);
      add(index, "piece");
      add_word(index, "name", rank->pieces[i].name);
      add(index, " offset=%014llx length=%014llx\n", (unsigned long long)at,
          (unsigned long long)rank->pieces[i].length);
      at += rank->pieces[i].length;
    }
    rank->leader->data_bytes = (size_t)up(at, (uint64_t)sysconf(_SC_PAGESIZE));
  }
}

static int write_at(int fd, const void *bytes, size_t length, uint64_t at) {
  while (length > 0) {
    ssize_t done = pwrite(fd, bytes, length, (off_t)at);
    if (done == -1 && errno != EINTR)
      return -1;
    done = done == -1 ? 0 : done;
    bytes = (const char *)bytes + done;
    at += (uint64_t)done;
    length -= (size_t)done;
  }
  return 0;
}

static int write_data(const struct rank *rank, int fd) {
  const struct text *index = &rank->leader->index;
  uint64_t at = index->used;
  int result = write_at(fd, index->data, index->used, 0);
  for (size_t i = 0; result == 0 && i < rank->piece_count; i++) {
    at = up(at, 64);
    result = write_at(fd, rank->pieces[i].bytes, rank->pieces[i].length, at);
    at += rank->pieces[i].length;
  }
  return result;
}

/** Maps the leader's data, or makes this rank's own. */
static void take_data(struct rank *rank, const struct round *round) {
  void *mapped = MAP_FAILED;
  int fd = -1;
  if (round != NULL && round->offset > 0) {
    if ((fd = open_topology(rank, round)) != -1)
      mapped = mmap(NULL, (size_t)round->offset, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
      say(rank, "the leader's data cannot be mapped: %s", fd == -1 ? rank->trouble : strerror(errno));
    shut(&fd);
  }
  if (mapped != MAP_FAILED) {
    rank->mapped = mapped;
    rank->mapped_bytes = (size_t)round->offset;
  } else if (make_pieces(rank) == -1) {
    say(rank, "%s", rank->trouble);
  }
}

/** Looks for a piece in the leader's data. */
static const void *find_mapped(const char *data, size_t bytes, const char *name, size_t *length) {
  const char *line = data, *end;
  char text[1024] = "index", found[256];
  while ((is_verb(text, "index") || is_verb(text, "piece")) &&
         (end = (const char *)memchr(line, '\n', bytes - (size_t)(line - data))) != NULL &&
         (size_t)(end - line) < sizeof text) {
    uint64_t offset, size;
    memcpy(text, line, (size_t)(end - line));
    text[end - line] = '\0';
    line = end + 1;
    offset = number_or(text, "offset", 16, NONE);
    size = number_or(text, "length", 16, NONE);
    if (word_of(text, "name", found, sizeof found) != NULL && strcmp(found, name) == 0 && offset <= bytes &&
        size <= bytes - offset) {
      *length = (size_t)size;
      return data + offset;
    }
  }
  return NULL;
}

/* ---- Rounds ---- */

/** Reads the line of the last round. 1: understood. 0: there is none yet. -1: it cannot be understood. */
static int read_round(const struct rank *rank, struct round *round) {
  char line[LINE];
  ssize_t length = readlinkat(rank->channel.directory, "round", line, sizeof line - 1);
  if (length == -1)
    return errno == ENOENT ? 0 : -1;
  line[length] = '\0';
  return parse_round(line, round) ? 1 : -1;
}

/** Opens a gate: to wait at it (O_RDONLY), or to hold it open (O_RDWR, which never fails with ENXIO). -1 and errno. */
static int open_gate(const struct rank *rank, uint64_t number, int flags) {
  char name[32];
  snprintf(name, sizeof name, "gate.%llu", (unsigned long long)number);
  if (flags == O_RDWR && mkfifoat(rank->channel.directory, name, 0600) == -1 && errno != EEXIST)
    return -1;
  return open_ours(rank->channel.directory, name, flags, S_IFIFO);
}

static int open_lobby(struct rank *rank) {
  if (rank->lobby == -1)
    rank->lobby = open_ours(rank->channel.directory, "lobby", O_RDWR, S_IFIFO);
  return rank->lobby == -1 ? fail(rank, "the lobby cannot be opened: %s", strerror(errno)) : 0;
}

/** Replaces the line in `round`. Cuts its reason: a full file system has no room for a long line. -1 and a reason. */
static int replace_round(struct rank *rank, struct round *round) {
  struct text line = {NULL, 0, 0, 0};
  int result = -1;
  round->leader = (uint64_t)rank->byte;
  for (format_round(&line, round); line.used > SHORT_LINK && round->reason[0] != '\0'; format_round(&line, round))
    round->reason[strlen(round->reason) - 1] = '\0';
  unlinkat(rank->channel.directory, "round.new", 0); /* of a leader that died */
  if (!line.has_failed && symlinkat(line.data, rank->channel.directory, "round.new") == 0)
    result = renameat(rank->channel.directory, "round.new", rank->channel.directory, "round");
  free(line.data);
  return result == 0 ? 0 : fail(rank, "the leader's line cannot be published: %s", strerror(errno));
}

/** Publishes the next round: replaces the line, and ends the gate at which the others wait. -1 and a reason. */
static int publish(struct rank *rank, struct round *round) {
  char name[32];
  int next = open_gate(rank, rank->round + 2, O_RDWR);
  round->number = rank->round + 1;
  if (round->verb == PLAN)
    round->plan = round->number;
  if (next == -1)
    return fail(rank, "the next gate cannot be made: %s", strerror(errno));
  if (replace_round(rank, round) == -1) {
    close(next);
    return -1;
  }
  snprintf(name, sizeof name, "gate.%llu", (unsigned long long)round->number);
  shut(&rank->gate);
  unlinkat(rank->channel.directory, name, 0);
  rank->gate = next;
  rank->round = round->number;
  return 0;
}

/** Writes what this rank says, each line in one write, as long as the lobby has room. */
static void flush(struct rank *rank) {
  struct text *says = &rank->says;
  while (rank->said < says->used) {
    size_t length = strcspn(says->data + rank->said, "\n") + 1;
    if (write(rank->lobby, says->data + rank->said, length) != (ssize_t)length)
      return; /* full, or interrupted */
    rank->said += length;
  }
  rank->said = says->used = 0;
}

enum turn { NEWS, NOTHING, VACANT, BROKEN };

/** Waits for the next round, a quarter of a second at most. VACANT: nobody leads. BROKEN: the line makes no sense. */
static enum turn wait_a_turn(struct rank *rank, struct round *round) {
  struct pollfd gate;
  int found;
  for (int is_over = 0;; is_over = 1) {
    /* The gate first: a round that is published after the line was read ends a gate that is open. */
    if (rank->gate == -1 && !is_over)
      rank->gate = open_gate(rank, rank->round + 1, O_RDONLY);
    found = read_round(rank, round);
    if (found == -1 || (found == 0 && rank->has_seen_round))
      return BROKEN;
    rank->has_seen_round |= found;
    if (found && round->number > rank->round) {
      shut(&rank->gate);
      rank->round = round->number;
      rank->silent = 0;
      return NEWS;
    }
    if (is_over || (found && !is_held(rank, LEADS))) {
      shut(&rank->gate);
      return VACANT;
    }
    if (rank->gate == -1) {
      nap(0.01);
      return NOTHING;
    }
    gate.fd = rank->gate;
    gate.events = 0; /* POLLHUP is always told */
    /* If the lobby was full, try again soon. A leader that dies before its first round ends no gate. */
    if (poll(&gate, 1, rank->said < rank->says.used ? 5 : rank->has_seen_round ? 250 : 20) <= 0)
      return NOTHING;
    shut(&rank->gate);
  }
}

/** "A while" of docs/protocol.md. `spread`: the time between the first and the last arrival. */
static double patience(struct rank *rank, double spread) {
  double result = spread > 1 ? spread : 1;
  double all = rank->busy * rank->session.local_size / (double)sysconf(_SC_NPROCESSORS_ONLN);
  if (rank->started < 0) {
    struct hws_process process;
    struct timespec time;
    rank->started = rank->arrived;
    clock_gettime(CLOCK_BOOTTIME, &time);
    if (hws_look_at((int)getpid(), &process))
      rank->started = now() - ((double)time.tv_sec - (double)process.start / (double)sysconf(_SC_CLK_TCK));
  }
  if (rank->arrived - rank->started > result)
    result = rank->arrived - rank->started;
  if (all > result)
    result = all;
  return result < rank->options.timeout ? result : rank->options.timeout;
}

/** Seconds since `then`, which becomes now. At most one: if it was longer, this process itself was stopped. */
static double time_since(double *then) {
  double time = now(), passed = time - *then;
  *then = time;
  return passed < 1 ? passed : 1;
}

/** Whether the leader has been silent for longer than the timeout. */
static int is_leader_stopped(struct rank *rank) {
  struct stat roll;
  rank->silent += time_since(&rank->looked);
  if (fstat(rank->channel.roll, &roll) == 0 && memcmp(&roll.st_mtim, &rank->renewed, sizeof roll.st_mtim) != 0) {
    rank->renewed = roll.st_mtim;
    rank->silent = 0;
  }
  return rank->silent > rank->options.timeout;
}

/* ---- A member ---- */

/** Begins a line. */
static void begin(struct rank *rank, const char *verb) {
  add(&rank->says, "%s local=%lld round=%llu", verb, (long long)rank->byte, (unsigned long long)rank->round);
}

/** Adds to a line what is mapped in this process, and ends it. Continues in further lines if it is too long. */
static void add_ranges(struct rank *rank) {
  struct text *says = &rank->says;
  struct ranges own;
  uint64_t heap, stack;
  size_t line = says->used;
  own_ranges(&own, &heap, &stack);
  if (heap != 0)
    add(says, " heap=%llx", (unsigned long long)heap);
  if (stack != 0)
    add(says, " stack=%llx", (unsigned long long)stack);
  for (size_t i = 0; i < own.count; i++) {
    if (says->used - line > LINE / 2) { /* the other half is for words before the ranges */
      add(says, " more=1\n");
      line = says->used;
      begin(rank, "ranges");
    }
    add(says, " %llx-%llx", (unsigned long long)own.list[i].start, (unsigned long long)own.list[i].end);
  }
  add(says, "\n");
  free(own.list);
}

static void say_hello(struct rank *rank) {
  rank->said = rank->says.used = 0; /* what it said before was for an earlier round */
  begin(rank, "hello");
  add(&rank->says, " rank=%d abi=%llx", rank->session.rank, (unsigned long long)own_abi(rank));
  add_word(&rank->says, "cpus", rank->session.allowed_cpus);
  add_word(&rank->says, "mems", rank->session.allowed_mems);
  add_ranges(rank);
  rank->has_said_hello = 1;
}

/** Says `declined` or `failed`, with the reason as of fail(). */
static void say_why(struct rank *rank, const char *verb, int wants_xml) {
  begin(rank, verb);
  add_word(&rank->says, "reason", rank->trouble);
  add(&rank->says, wants_xml ? " xml=1\n" : "\n");
}

/** Reserves the range of a plan, and answers the plan. */
static void answer_plan(struct rank *rank, const struct round *plan) {
  enum fitting fitting = does_fit(rank, plan);
  int reserved = fitting == FITS ? reserve(rank, plan) : -1;
  if (fitting == FITS && reserved == -1)
    fail(rank, "its range cannot be mapped: %s", strerror(errno));
  rank->wants_own = fitting == WANTS_OWN;
  if (reserved == -1) {
    say_why(rank, "declined", fitting != WANTS_OWN);
  } else if (reserved == 0) {
    begin(rank, "reserved");
    add(&rank->says, "\n");
  } else {
    begin(rank, "busy");
    add_ranges(rank);
  }
}

/** Ends a join: takes the fallback if there is a `reason` (it may be empty), takes the data, says `done`. A code. */
static int conclude(struct rank *rank, const struct round *round, const char *reason) {
  static const char *const how[] = {"adopted", "xml", "discovered"};
  int code = reason == NULL ? HWLOC_SHARE_SUCCESS : take_fallback(rank, round, reason);
  if (code != HWLOC_SHARE_SUCCESS)
    return code;
  take_data(rank, round);
  if (!rank->is_visitor && !rank->leads && rank->lobby != -1) {
    begin(rank, "done"); /* if nobody hears it, the topology's file only keeps its name longer */
    add(&rank->says, " how=%s\n", how[rank->session.how]);
    flush(rank);
  }
  if (rank->is_visitor)
    rank->outside = "this process is not one of the leader's ranks";
  return code;
}

/** Leaves the others, who then do not wait for this rank, and takes the fallback. A code. */
static int go_alone(struct rank *rank) {
  leave(rank);
  rank->outside = "this rank did not meet the others";
  return conclude(rank, NULL, rank->trouble);
}

/** The code for a barrier that was passed. */
static int code_of(const struct round *round, uint64_t barrier) {
  return round->passed == barrier && round->is_all ? HWLOC_SHARE_SUCCESS : HWLOC_SHARE_NOTALL;
}

/** What functions return in place of a code. LOST, with a reason: the others cannot be reached. */
enum { LOST = 100, NOT_YET };

/** Adopts what was released, or takes the fallback. NOT_YET: it waits for the leader's XML. */
static int finish(struct rank *rank, const struct round *round) {
  struct round own = *round;
  enum fitting fitting = WANTS_XML;
  rank->barriers = round->passed;
  if (round->verb == FALLBACK && (rank->wants_own || (round->xml != NONE && strcmp(round->shape, rank->shape) != 0)))
    fitting = refuse_shape(rank);
  else if (round->verb == FALLBACK)
    fail(rank, "%s", *round->reason == '\0' ? "the leader gave no reason" : round->reason);
  else if (rank->failed == 0 && (fitting = does_fit(rank, round)) == FITS && adopt(rank, round) == 0)
    return conclude(rank, round, NULL);
  if (fitting == WANTS_OWN) {
    own.xml = NONE;
  } else if (round->verb == RELEASE && round->xml == NONE && !rank->is_visitor && !rank->leads) {
    if (rank->failed == 0)
      say_why(rank, "failed", 1);
    rank->failed = rank->failed == 0 ? now() : rank->failed;
    return NOT_YET;
  }
  return conclude(rank, &own, rank->trouble);
}

/** Acts on a round in a join. */
static int act_in_join(struct rank *rank, const struct round *round) {
  if (round->verb == RELEASE || round->verb == FALLBACK)
    return finish(rank, round);
  if (rank->is_visitor)
    return NOT_YET;
  if (round->verb != PLAN || !rank->has_said_hello) {
    drop_reservation(rank);
    say_hello(rank);
  }
  if (round->verb == PLAN)
    answer_plan(rank, round);
  return NOT_YET;
}

/** Acts on a round at a barrier. */
static int act_at_barrier(struct rank *rank, const struct round *round, uint64_t barrier) {
  int has_said_it = rank->barriers == barrier;
  rank->barriers = barrier;
  if (round->passed >= barrier)
    return has_said_it ? code_of(round, barrier) : HWLOC_SHARE_NOTALL;
  rank->said = rank->says.used = 0;
  begin(rank, "barrier");
  add(&rank->says, " number=%llu\n", (unsigned long long)barrier);
  return NOT_YET;
}

/** Whether this rank may try to become the first leader. Local rank 0 goes first, if it comes. */
static int may_lead(struct rank *rank) {
  int is_there = is_held(rank, 0) || is_held(rank, LEADS);
  int is_first = rank->byte == 0 || rank->session.local_rank == -1 || (rank->has_seen_first && !is_there);
  rank->has_seen_first |= is_there;
  return is_first || now() - rank->arrived > patience(rank, 0);
}

static int try_to_lead(struct rank *rank) {
  return rank->leads = !rank->is_visitor && lock(rank->channel.roll, F_WRLCK, LEADS, 1) == 0;
}

/** Whether this rank gives up waiting for the leader in its join; then with a reason. */
static int is_in_vain(struct rank *rank) {
  if (rank->is_visitor && !is_held(rank, LEADS) && now() - rank->arrived > patience(rank, 0))
    return fail(rank, "this process is not one of the ranks of its node, and nobody leads") == -1;
  if (!is_leader_stopped(rank))
    return 0;
  return fail(rank, "the leader was silent for %g s (HWLOC_SHARE_TIMEOUT)", rank->options.timeout) == -1;
}

static int lead(struct rank *rank, uint64_t barrier);

/** Follows the rounds until this rank has joined (0), or has passed this barrier. A code or LOST. */
static int follow(struct rank *rank, uint64_t barrier) {
  struct round round;
  enum turn turn = NOTHING;
  int code;
  if (!rank->is_visitor && open_lobby(rank) == -1)
    return LOST;
  rank->silent = 0;
  rank->looked = now();
  if (read_round(rank, &round) == 1) {
    rank->has_seen_round = 1;
    rank->round = round.number;
    turn = NEWS;
  }
  for (;; turn = wait_a_turn(rank, &round)) {
    if ((turn == VACANT || (!rank->has_seen_round && may_lead(rank))) && try_to_lead(rank))
      return lead(rank, barrier);
    if (turn == VACANT)
      nap(0.01);
    if (turn == BROKEN)
      return fail(rank, "the leader's line has gone, or cannot be understood"), LOST;
    code = NOT_YET;
    if (turn == NEWS)
      code = barrier > 0 ? act_at_barrier(rank, &round, barrier) : act_in_join(rank, &round);
    if (code != NOT_YET)
      return code;
    if (!rank->has_seen_round && !rank->has_said_hello && !rank->is_visitor)
      say_hello(rank);
    flush(rank);
    if (barrier == 0 && rank->failed > 0 && now() > rank->failed + 1)
      return conclude(rank, &round, rank->trouble);
    if (barrier == 0 && is_in_vain(rank))
      return LOST;
  }
}

/* ---- The leader: hearing and looking ---- */

/** Finds the member of this local rank, or adds it. NULL if there is no memory. */
static struct member *member_of(struct leader *leader, int64_t local) {
  struct member **at = &leader->members;
  while (*at != NULL && (*at)->local != local)
    at = &(*at)->next;
  if (*at == NULL && (*at = (struct member *)calloc(1, sizeof **at)) != NULL) {
    (*at)->local = local;
    leader->last = now();
  }
  return *at;
}

/** Whether `holds` is true for at least one member. */
static int any(const struct rank *rank, int (*holds)(const struct rank *, const struct member *)) {
  const struct member *member = rank->leader->members;
  while (member != NULL && !holds(rank, member))
    member = member->next;
  return member != NULL;
}

/** Appends the ranges in a line. 0 if one is impossible, or there are too many. */
static int hear_ranges(struct ranges *ranges, const char *line) {
  int result = 1;
  while (result != -1 && (line = strchr(line, ' ')) != NULL)
    result = parse_range(++line, ranges);
  return result != -1;
}

/** Handles a line from the lobby. 0 if it makes no sense. */
static int hear(struct rank *rank, const char *line) {
  static const char *const answers[] = {"", "reserved", "busy", "declined"};
  uint64_t local = number_of(line, "local"), round = number_of(line, "round"), number = number_of(line, "number");
  int has_list = is_verb(line, "hello") || is_verb(line, "busy"), has_more = number_of(line, "more") == 1;
  struct member *member;
  if (local >= (uint64_t)LEADS || round == NONE || (is_verb(line, "barrier") && number == NONE))
    return 0;
  if ((int64_t)local == rank->byte || (round != rank->round && !is_verb(line, "done") && !is_verb(line, "failed")))
    return 1; /* this rank said it before it led, or it answers an earlier round */
  if ((member = member_of(rank->leader, (int64_t)local)) == NULL)
    return 1;
  member->has_ended = !is_held(rank, (int64_t)local); /* even if it has died since, it has come */
  for (int answer = RESERVED; answer <= DECLINED; answer++)
    if (is_verb(line, answers[answer]))
      member->answer = (enum answer)answer;
  if (is_verb(line, "barrier"))
    member->barrier = number;
  member->is_done |= is_verb(line, "done");
  member->has_failed |= is_verb(line, "failed");
  member->wants_xml |= number_of(line, "xml") == 1;
  member->is_here |= !has_more;
  if (!has_list && !is_verb(line, "ranges"))
    return 1;
  word_of(line, "cpus", member->cpus, sizeof member->cpus);
  word_of(line, "mems", member->mems, sizeof member->mems);
  member->is_talking = has_more;
  if (has_list)
    member->taken.count = 0;
  return hear_ranges(&member->taken, line);
}

static void read_lobby(struct rank *rank) {
  struct leader *leader = rank->leader;
  ssize_t got = read(rank->lobby, leader->heard + leader->used, sizeof leader->heard - leader->used);
  char *line = leader->heard, *end;
  size_t rest;
  if (got <= 0)
    return;
  leader->used += (size_t)got;
  while ((end = (char *)memchr(line, '\n', rest = leader->used - (size_t)(line - leader->heard))) != NULL) {
    *end = '\0';
    /* Only once: a flood of nonsense must not flood stderr. */
    if ((leader->is_skipping || end - line >= LINE || strlen(line) != (size_t)(end - line) || !hear(rank, line)) &&
        leader->nonsense++ == 0)
      say(rank, "a line in the lobby was not understood: %.100s", line);
    leader->is_skipping = 0;
    line = end + 1;
  }
  leader->is_skipping |= rest >= LINE;
  leader->used = leader->is_skipping ? 0 : rest;
  memmove(leader->heard, line, leader->used);
}

/** Finds the ranks that are there: their bytes, between these two, are locked. */
static void find_locked(struct rank *rank, int64_t start, int64_t end) {
  struct flock found;
  struct member *member;
  /* The kernel names any one of the locks; the others are below and above it. */
  while (find_lock(rank->channel.roll, start, end, &found) && found.l_len > 0) {
    if (found.l_start >= start && (member = member_of(rank->leader, (int64_t)found.l_start)) != NULL)
      member->has_ended = 0;
    find_locked(rank, start, (int64_t)found.l_start);
    start = (int64_t)(found.l_start + found.l_len);
  }
}

/** Looks at all locks: which ranks have come, and which have died. */
static void look_at_roll(struct rank *rank) {
  for (struct member *member = rank->leader->members; member != NULL; member = member->next)
    member->has_ended = 1;
  find_locked(rank, 0, LEADS);
}

static int is_discovering(const struct leader *leader) {
  struct pollfd end;
  end.fd = leader->discovery.end;
  end.events = POLLIN;
  return end.fd != -1 && poll(&end, 1, 0) == 0;
}

/** Waits for a line in the lobby or the end of the discovery, but not beyond `until`; handles what came. */
static void serve(struct rank *rank, double until) {
  struct pollfd fds[2];
  double wait = until - now();
  fds[0].fd = rank->lobby;
  fds[1].fd = is_discovering(rank->leader) ? rank->leader->discovery.end : -1;
  fds[0].events = fds[1].events = POLLIN;
  fds[0].revents = 0;
  if (poll(fds, 2, wait > 0 ? (int)(wait * 1000) + 1 : 0) > 0 && fds[0].revents != 0)
    read_lobby(rank);
  if (now() - rank->leader->renewed > (rank->options.timeout < 4 ? rank->options.timeout / 4 : 1)) {
    futimens(rank->channel.roll, NULL);
    rank->leader->renewed = now();
  }
}

/** Serves until `is_settled`, or until the timeout (0: none). */
static void serve_until(struct rank *rank, int (*is_settled)(struct rank *), double timeout) {
  double turn = now(), look = turn + 0.02, waited = 0;
  while (!is_settled(rank) && (timeout == 0 || waited < timeout)) {
    serve(rank, look);
    waited += time_since(&turn);
    if (now() < look)
      continue;
    look_at_roll(rank);
    look = now() + 0.1;
  }
}

/* ---- The leader: gathering ---- */

static void *run_discovery(void *argument) {
  struct discovery *discovery = (struct discovery *)argument;
  discovery->topology = load(NULL, discovery->io, discovery->flags);
  discovery->error = errno;
  if (discovery->end != -1)
    eventfd_write(discovery->end, 1);
  return NULL;
}

static void start_discovery(struct rank *rank, unsigned long flags) {
  struct discovery *discovery = &rank->leader->discovery;
  sigset_t all, before;
  int error = -1;
  discovery->io = rank->options.io;
  discovery->flags = flags;
  discovery->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  sigfillset(&all); /* signals are for the program's own threads */
  pthread_sigmask(SIG_SETMASK, &all, &before);
  if (discovery->end != -1)
    error = pthread_create(&discovery->thread, NULL, run_discovery, discovery);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error != 0) {
    shut(&discovery->end);
    run_discovery(discovery);
  }
}

/** Waits for the end of the discovery. -1 and a reason if it failed. */
static int end_discovery(struct rank *rank) {
  struct leader *leader = rank->leader;
  while (is_discovering(leader))
    serve(rank, now() + 0.25);
  if (leader->discovery.end != -1)
    pthread_join(leader->discovery.thread, NULL);
  shut(&leader->discovery.end);
  leader->topology = leader->discovery.topology;
  if (leader->topology != NULL)
    return 0;
  return fail(rank, "libhwloc could not discover this machine: %s", error_text(leader->discovery.error));
}

/** Whether a local rank has come. -1: it came, and has ended. */
static int has_come(const struct leader *leader, int64_t local) {
  const struct member *member = leader->members;
  while (member != NULL && member->local != local)
    member = member->next;
  return member == NULL ? 0 : member->has_ended ? -1 : 1;
}

/** Whether all ranks have come, or no more come. */
static int is_gathered(struct rank *rank) {
  const struct leader *leader = rank->leader;
  double quiet = now() - leader->last;
  int known = 1;
  if (is_discovering(leader))
    return 0;
  for (const struct member *member = leader->members; member != NULL; member = member->next) {
    if (!member->is_here && !member->has_ended && quiet < rank->options.timeout)
      return 0;
    known += member->local < rank->expected;
  }
  return (rank->expected != -1 && known >= rank->expected) || leader->had_gathered ||
         quiet > patience(rank, leader->last - rank->arrived);
}

/** Says something of the local ranks for which has_come() is `come`: "ranks 2, 3 have not …". */
static void say_of(struct rank *rank, int come, const char *one, const char *many, double time) {
  char list[400] = "", text[160];
  int count = 0;
  for (int64_t local = 0; local < rank->session.local_size; local++)
    if (local != rank->byte && has_come(rank->leader, local) == come && count++ < 40)
      snprintf(list + strlen(list), sizeof list - strlen(list), "%s%d", count > 1 ? ", " : "", (int)local);
  snprintf(text, sizeof text, count == 1 ? one : many, time);
  if (count > 0)
    say(rank, "%srank%s %s%s %s", rank->session.size == rank->session.local_size ? "" : "local ", count == 1 ? "" : "s",
        list, count > 40 ? " ..." : "", text);
}

/** Waits for the others, and for the discovery. -1 and a reason if the discovery failed. */
static int gather(struct rank *rank) {
  serve_until(rank, is_gathered, 0);
  say_of(rank, -1, "ended before it joined; continuing without it", "ended before they joined; continuing without them",
         0);
  say_of(rank, 0, "has not joined after %.1f s; continuing without it (it can still join)",
         "have not joined after %.1f s; continuing without them (they can still join)", now() - rank->arrived);
  return end_discovery(rank);
}

/** Whether two lists differ. An empty one is not known, and differs from none. */
static int do_differ(const char *one, const char *other) {
  return *one != '\0' && *other != '\0' && strcmp(one, other) != 0;
}

/** Whether a member's cgroup allows other CPUs or NUMA nodes than the leader's. */
static int is_allowed_others(const struct rank *rank, const struct member *member) {
  return do_differ(member->cpus, rank->session.allowed_cpus) || do_differ(member->mems, rank->session.allowed_mems);
}

/* ---- The leader: sharing ---- */

/** Chooses an address that is free in all ranks, as far as they have told. -1 and a reason. */
static int find_hole(struct rank *rank, struct round *plan) {
  const char *asked = hws_setting("HWLOC_SHARE_HOLE");
  const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
  struct ranges all;
  uint64_t top = 0, wanted, heap, stack;
  int is_known = own_ranges(&all, &heap, &stack) == 0;
  for (size_t i = 0; i < all.count; i++)
    if (all.list[i].end > top && all.list[i].end <= 0x7ffffffff000u) /* mmap() gives out more only if asked to */
      top = all.list[i].end;
  for (const struct member *member = rank->leader->members; member != NULL; member = member->next)
    for (size_t i = 0; is_known && i < member->taken.count; i++)
      is_known = add_range(&all, member->taken.list[i].start, member->taken.list[i].end) == 0;
  if (all.count > 0)
    qsort(all.list, all.count, sizeof *all.list, compare_ranges);
  plan->at = 0;
  if (is_known && asked != NULL && strncmp(asked, "0x", 2) == 0 && hws_number(asked + 2, 16, &wanted)) {
    if (wanted % page == 0)
      plan->at = first_fit(&all, wanted, wanted + plan->bytes, plan->bytes, page);
  } else if (is_known) {
    if (asked != NULL && strcmp(asked, "scatter") != 0)
      say(rank, "HWLOC_SHARE_HOLE=%s: a leader in C knows only addresses and scatter; using scatter", asked);
    plan->at = choose(&all, plan->bytes, top, hash_of_key(rank->key) + 7919 * rank->round);
  }
  free(all.list);
  return plan->at == 0 ? fail(rank, "no address is free in all ranks") : 0;
}

/** Opens the directory for the leader's files: the channel, or (base > 0) one in that root. -1 and errno. */
static int open_store(struct rank *rank) {
  struct leader *leader = rank->leader;
  enum entering result = AGAIN;
  if (leader->store.directory != -1)
    return 0;
  if (leader->base == 0)
    return (leader->store.directory = fcntl(rank->channel.directory, F_DUPFD_CLOEXEC, 0)) == -1 ? -1 : 0;
  if (leader->base == rank->root || *rank->roots[leader->base] == '\0')
    return -1;
  remove_from(rank, leader->base, rank->store_name); /* of a leader that died */
  for (int tries = 0; result == AGAIN && tries < 3; tries++)
    result = build(rank, leader->base, rank->store_name, &leader->store);
  return result == ENTERED ? 0 : -1;
}

/** Makes the leader's file, and writes the data; or renames it. Allocates room for these bytes, too. -1 and errno. */
static int create_file(struct rank *rank, const char *name, uint64_t bytes) {
  struct leader *leader = rank->leader;
  const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int is_new = leader->file == -1, error;
  if (is_new) {
    unlinkat(leader->store.directory, name, 0); /* of a leader that died */
    leader->file = openat(leader->store.directory, name, flags, 0600);
  } else if (renameat(leader->store.directory, leader->file_name, leader->store.directory, name) == -1) {
    return -1;
  }
  snprintf(leader->file_name, sizeof leader->file_name, "%s", name);
  if (leader->file == -1)
    return -1;
  /* If the file system were full, writing through a mapping would kill this process. */
  while ((error = posix_fallocate(leader->file, 0, (off_t)(leader->data_bytes + bytes))) == EINTR)
    ;
  if (error == 0 && is_new && leader->data_bytes > 0 && write_data(rank, leader->file) == -1)
    error = errno;
  if (error != 0)
    unlinkat(leader->store.directory, name, 0);
  errno = error;
  return error == 0 ? 0 : -1;
}

/**
 * Makes the file of a plan in the first root that has room for it; without the data if none has room for that.
 * With 0 bytes it makes the file for the data alone, which plans rename later. -1 and a reason.
 */
static int make_file(struct rank *rank, uint64_t plan, uint64_t bytes) {
  struct leader *leader = rank->leader;
  char name[sizeof leader->file_name];
  int error = 0;
  name_file(name, plan);
  for (; leader->base <= ROOTS; leader->base++) {
    if (open_store(rank) == 0 && create_file(rank, name, bytes) == 0) {
      if (error != 0)
        say(rank, "%.300s/%s/%s: %s; using the next directory", rank->roots[rank->root], rank->name, name,
            strerror(error));
      return 0;
    }
    error = error == 0 ? errno : error;
    close_store(leader);
  }
  leader->base = 0;
  if (leader->data_bytes == 0 || rank->options.strict)
    return fail(rank, "no room for the topology: %s", error_text(error));
  say(rank, "the data cannot be shared, each rank has its own: %s", error_text(error));
  leader->data_bytes = 0;
  return bytes == 0 ? 0 : make_file(rank, plan, bytes);
}

/** Writes the topology, seals it and reserves its range. 0: done. 1: something is mapped there. -1 and a reason. */
static int write_topology(struct rank *rank, const struct round *plan) {
  void *address = (void *)(uintptr_t)plan->at;
  const char *what = "hwloc_shmem_topology_write";
  hwloc_topology_t adopted;
  int fd = rank->leader->file, result, error;
  errno = 0;
  result = hwloc_shmem_topology_write(rank->leader->topology, fd, plan->offset, address, (size_t)plan->bytes, 0);
  if (result == 0 && hwloc_topology_refresh != NULL && hwloc_get_api_version() >= 0x20300) {
    /* The seal: without it, a query of memory attributes writes to the read-only pages (hwloc 2.3 to 2.15). */
    what = "sealing it";
    result = hwloc_shmem_topology_adopt(&adopted, fd, plan->offset, address, (size_t)plan->bytes, 0);
    if (result == 0) {
      result = mprotect(address, (size_t)plan->bytes, PROT_READ | PROT_WRITE);
      result = result == 0 ? hwloc_topology_refresh(adopted) : -1;
      error = errno;
      hwloc_topology_destroy(adopted);
      errno = error;
    }
  }
  if (result == 0)
    result = reserve(rank, plan);
  if (result == -1 && errno == EBUSY)
    result = 1;
  return result == -1 ? fail(rank, "%s: %s", what, error_text(errno)) : result;
}

static int owes_answer(const struct rank *rank, const struct member *member) {
  (void)rank;
  return member->is_here && (member->answer == NO_ANSWER || member->is_talking) && !member->has_ended &&
         !member->is_done;
}

static int is_answered(struct rank *rank) { return !any(rank, owes_answer); }

/** Waits until all ranks that said hello have answered or died. Returns whether the range was taken in one of them. */
static int collect_answers(struct rank *rank) {
  int is_busy = 0;
  serve_until(rank, is_answered, rank->options.timeout);
  for (struct member *member = rank->leader->members; member != NULL; member = member->next) {
    if (owes_answer(rank, member)) {
      say(rank, "local rank %lld did not answer within %g s; continuing without it (HWLOC_SHARE_TIMEOUT)",
          (long long)member->local, rank->options.timeout);
      member->is_done = 1;
    }
    is_busy |= member->answer == BUSY && !member->has_ended;
  }
  return is_busy;
}

/** Plans, again as long as the range is taken in a rank, until a topology is written. -1 and a reason. */
static int negotiate(struct rank *rank, struct round *plan) {
  struct leader *leader = rank->leader;
  size_t bytes;
  int is_busy, written = -1;
  errno = 0;
  if (hwloc_shmem_topology_get_length(leader->topology, &bytes, 0) == -1)
    return fail(rank, "hwloc_shmem_topology_get_length: %s", error_text(errno));
  for (int tries = 0; tries < PLANS; tries++) {
    struct round next = *plan;
    next.verb = PLAN;
    next.bytes = bytes;
    next.abi = abi_of(leader->topology);
    memcpy(next.shape, rank->shape, sizeof next.shape);
    /* If there is no other address: the ranks that accepted the last plan still have their reservations. */
    if (find_hole(rank, &next) == -1)
      return written == 0 ? 0 : -1;
    for (struct member *member = leader->members; member != NULL; member = member->next) {
      member->answer = NO_ANSWER;
      member->is_talking = 0;
    }
    if (publish(rank, &next) == -1 || make_file(rank, next.number, bytes) == -1)
      return -1;
    *plan = next;
    plan->offset = leader->data_bytes;
    plan->base = (uint64_t)leader->base;
    written = write_topology(rank, plan);
    if (written == -1)
      return -1;
    is_busy = collect_answers(rank);
    if (written == 0 && !is_busy)
      return 0;
  }
  return written == 0 ? 0 : fail(rank, "its range was taken in each of the plans");
}

static int wants_xml(const struct rank *rank, const struct member *member) {
  int can_share = rank->leader->final.verb == RELEASE;
  return !member->has_ended && (!can_share || member->wants_xml || member->answer == BUSY);
}

/** Whether a rank wants XML, or may come late, when the leader does not listen to it. */
static int is_xml_wanted(const struct rank *rank) {
  int is_wanted = any(rank, wants_xml);
  for (int64_t local = 0; local < rank->session.local_size && !is_wanted; local++)
    is_wanted = local != rank->byte && has_come(rank->leader, local) == 0;
  return is_wanted;
}

/** Writes a topology as XML. Returns where it is, or NONE. */
static uint64_t write_xml(struct rank *rank, hwloc_topology_t topology) {
  struct leader *leader = rank->leader;
  int length, result = -1, fd = -1;
  char *xml = NULL;
  /* Flag 2 of hwloc 3 writes the format of hwloc 2, which hwloc 3 can read, too. */
  if (open_store(rank) == 0 &&
      hwloc_topology_export_xmlbuffer(topology, &xml, &length, hwloc_get_api_version() >= 0x30000 ? 2 : 0) == 0)
    fd = openat(leader->store.directory, "topology.xml", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd != -1 && (result = write_at(fd, xml, strlen(xml), 0)) == -1)
    unlinkat(leader->store.directory, "topology.xml", 0);
  shut(&fd);
  if (xml != NULL)
    hwloc_free_xmlbuffer(topology, xml);
  return result == 0 ? (uint64_t)leader->base : NONE;
}

/** Discovers, gathers, shares. A code. */
static int share(struct rank *rank) {
  struct leader *leader = rank->leader;
  struct round *final = &leader->final;
  char reason[sizeof rank->trouble];
  int can_share = 1, result;
  start_discovery(rank, 0);
  if (make_pieces(rank) == -1)
    say(rank, "%s", rank->trouble);
  if (rank->piece_count > 0) { /* while others come */
    make_index(rank);
    can_share = make_file(rank, rank->round + 1, 0) == 0;
  }
  sweep(rank);
  result = gather(rank);
  if (result == 0 && hwloc_topology_is_thissystem(leader->topology) && any(rank, is_allowed_others)) {
    /* Again, with the CPUs and NUMA nodes that the leader's cgroup does not allow. */
    hwloc_topology_destroy(leader->topology);
    start_discovery(rank, INCLUDE_DISALLOWED);
    result = end_discovery(rank);
  }
  rank->session.did_discover = 1;
  if (result == 0)
    result = can_share ? negotiate(rank, final) : -1;
  final->verb = result == 0 ? RELEASE : FALLBACK;
  final->offset = result == 0 ? final->offset : 0;
  memcpy(final->shape, rank->shape, sizeof final->shape);
  final->xml = leader->topology != NULL && is_xml_wanted(rank) ? write_xml(rank, leader->topology) : NONE;
  final->is_this_system = leader->topology != NULL && hwloc_topology_is_thissystem(leader->topology);
  snprintf(final->reason, sizeof final->reason, "%.255s", result == 0 ? "" : rank->trouble);
  memcpy(reason, rank->trouble, sizeof reason);
  if (publish(rank, final) == -1)
    say(rank, "%s", rank->trouble);
  shut(&leader->file);
  if (result == -1 || adopt(rank, final) == -1)
    return conclude(rank, final, result == -1 ? reason : rank->trouble);
  hwloc_topology_destroy(leader->topology);
  leader->topology = NULL;
  return conclude(rank, final, NULL);
}

/** Takes over from another leader, or begins. 1: there is a join to lead. 0: the join is over. -1 and a reason. */
static int take_over(struct rank *rank, struct round *last, int is_first) {
  struct member *dead;
  char name[32];
  shut(&rank->gate);
  rank->round = last->number;
  if (is_first && replace_round(rank, last) == -1)
    return -1;
  if ((rank->gate = open_gate(rank, rank->round + 1, O_RDWR)) == -1)
    return fail(rank, "the gate cannot be opened: %s", strerror(errno));
  if (is_first)
    return 1;
  if (last->verb <= PLAN) {
    if (last->leader < (uint64_t)LEADS && (dead = member_of(rank->leader, (int64_t)last->leader)) != NULL)
      dead->has_ended = !is_held(rank, dead->local);
    /* It has written the file of its plan, or ahead that of its next plan. */
    name_file(name, last->verb == PLAN ? last->number : last->number + 1);
    unlinkat(rank->channel.directory, name, 0);
    rank->leader->had_gathered = last->verb == PLAN;
    last->verb = ++last->deaths < MOST_DEATHS ? ANEW : FALLBACK;
    snprintf(last->reason, sizeof last->reason, "%d leaders died in this join", (int)last->deaths);
    last->xml = NONE;
    last->offset = last->base = 0; /* of the dead leader's plan */
    if (rank->is_verbose)
      say(rank, "the leader died; this rank leads now");
  }
  if (publish(rank, last) == -1)
    return -1;
  rank->leader->final = *last;
  return last->verb == ANEW;
}

static int lead_barrier(struct rank *rank, uint64_t number);

/** Leads a join (0) or this barrier. This rank has locked the byte of the leader. A code or LOST. */
static int lead(struct rank *rank, uint64_t barrier) {
  struct round round;
  struct leader *leader = (struct leader *)calloc(1, sizeof *leader);
  int found, went;
  drop_reservation(rank);
  drop_probe(rank);
  rank->said = rank->says.used = 0;
  rank->leader = leader;
  if (leader == NULL)
    return fail(rank, "out of memory"), LOST;
  leader->discovery.end = leader->store.directory = leader->store.roll = leader->file = -1;
  look_at_roll(rank);
  if ((found = read_round(rank, &round)) == -1)
    return fail(rank, "the leader's line cannot be understood"), LOST;
  if (found == 0)
    memset(&round, 0, sizeof round); /* lead round=0 */
  went = take_over(rank, &round, found == 0);
  if (went == -1)
    return LOST;
  read_lobby(rank);
  leader->last = rank->arrived; /* ranks that are there, or have said hello, count as arrived with this one */
  if (barrier > 0)
    return lead_barrier(rank, barrier);
  if (went == 1)
    return share(rank);
  return finish(rank, &round);
}

/* ---- Barriers ---- */

static int waits_for_xml(const struct rank *rank, const struct member *member) {
  (void)rank;
  return member->has_failed && !member->has_ended;
}

static int is_missing(const struct rank *rank, const struct member *member) {
  return !member->has_ended && member->barrier < rank->leader->barrier;
}

/** Whether all ranks that are there have come to the leader's barrier, or one of them waits for XML. */
static int is_at_barrier(struct rank *rank) {
  if (any(rank, waits_for_xml))
    return 1;
  if (any(rank, is_missing))
    return 0;
  look_at_roll(rank); /* a rank that has not said anything may be there */
  return !any(rank, is_missing);
}

/** Writes XML for ranks that could not adopt: the others may wait for them at a barrier. 0 if there is no such rank. */
static int help_failed(struct rank *rank) {
  struct round *final = &rank->leader->final;
  if (!any(rank, waits_for_xml))
    return 0;
  for (struct member *member = rank->leader->members; member != NULL; member = member->next)
    member->has_failed = 0;
  if (final->xml == NONE && (final->xml = write_xml(rank, rank->session.topology)) != NONE) {
    final->is_this_system = hwloc_topology_is_thissystem(rank->session.topology);
    if (publish(rank, final) == -1)
      say(rank, "%s", rank->trouble);
  }
  return 1;
}

/** Comes to a barrier as the leader, and opens it when all ranks that are there have come. A code. */
static int lead_barrier(struct rank *rank, uint64_t number) {
  struct leader *leader = rank->leader;
  int size = rank->expected, known = 1, came = 1, done = 1;
  if (leader->final.passed >= number) /* the leader before it opened the barrier, and ended before this rank saw that */
    return code_of(&leader->final, number);
  leader->barrier = number;
  do
    serve_until(rank, is_at_barrier, 0);
  while (help_failed(rank));
  for (const struct member *member = leader->members; member != NULL; member = member->next) {
    known++;
    came += !member->has_ended;
    done += member->is_done || member->has_ended;
  }
  if (size != -1 && done >= size && leader->store.directory != -1)
    unlinkat(leader->store.directory, leader->file_name, 0); /* nobody needs its name any more */
  leader->final.passed = number;
  leader->final.is_all = came >= (rank->session.local_size == -1 ? known : size);
  if (publish(rank, &leader->final) == -1)
    return say(rank, "%s", rank->trouble), HWLOC_SHARE_NOTALL;
  return code_of(&leader->final, number);
}

/* ---- The session ---- */

/** The name of a channel's directory: the key, or a name made from it if it cannot be a name itself. */
static void name_of_key(const char *key, char name[NAME]) {
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-";
  const char *rest = key;
  unsigned units[2];
  size_t count = 0;
  if (*key != '.' && strlen(key) <= 120 && key[strspn(key, plain)] == '\0') {
    strcpy(name, key);
    return;
  }
  while (*rest != '\0' && count < 100) {
    int found = next_units(&rest, units), i;
    for (i = 0; i < found && count < 100; i++, count++)
      if (units[i] < 0x80 && strchr(plain, (int)units[i]) != NULL && (count > 0 || units[i] != '.'))
        name[count] = (char)units[i];
      else
        name[count] = '_';
  }
  snprintf(name + count, 16, "-%08x", hash_of_key(key));
}

static void set_key(struct rank *rank, const char *key) {
  char files[sizeof rank->key + 8];
  snprintf(rank->key, sizeof rank->key, "%s", key);
  snprintf(files, sizeof files, "%s.files", key);
  name_of_key(key, rank->name);
  name_of_key(files, rank->store_name);
}

/** Finds the `shape` of docs/protocol.md: which topology this rank asks for. */
static void find_shape(char shape[8]) {
  static const char *const names[] = {"HWLOC_SYNTHETIC", "HWLOC_XMLFILE", "HWLOC_FSROOT", "HWLOC_CPUID_PATH",
                                      "HWLOC_COMPONENTS"};
  struct text asked = {NULL, 0, 0, 0};
  unsigned hash;
  for (int i = 0; i < 5; i++)
    /* A file of the wrapper has the topology of this job. */
    if (hws_setting(names[i]) != NULL && (i != 1 || hws_setting("HWLOC_SHARE_XMLFILE") == NULL))
      add(&asked, "%s=%s\n", names[i], hws_setting(names[i]));
  if (asked.used > 0 && !asked.has_failed) {
    hash = hash_of_key(asked.data);
    snprintf(shape, 8, "%06x", (hash ^ hash >> 24) & 0xffffff);
  }
  free(asked.data);
}

/** Finds the key of this rank's channel, and the roots that it can be in. */
static void find_channel(struct rank *rank) {
  const char *job = hws_setting("HWLOC_SHARE_JOB"), *launcher = hws_setting("HWLOC_SHARE_LAUNCHER"), *bases[ROOTS + 1];
  char absolute[PATH_MAX], key[sizeof rank->key];
  int i, j, is_wrappers = job != NULL && launcher != NULL && strcmp(launcher, rank->identity.launcher) == 0;
  if (is_wrappers && rank->identity.is_step_told)
    rank->step = rank->identity.step;
  if (is_wrappers)
    snprintf(key, sizeof key, "%.1000s@%s", job, rank->identity.node);
  else
    snprintf(key, sizeof key, "%.1000s%s%s", job == NULL ? "" : job, job == NULL ? "" : ".", rank->identity.step);
  set_key(rank, key);
  rank->byte = rank->session.local_rank != -1 ? rank->session.local_rank : rank->session.rank;
  bases[1] = hws_setting("HWLOC_SHARE_DIR");
  bases[2] = "/dev/shm";
  bases[3] = hws_setting("XDG_RUNTIME_DIR");
  bases[4] = hws_setting("TMPDIR") == NULL ? "/tmp" : hws_setting("TMPDIR");
  for (i = 1; i <= ROOTS; i++) {
    const char *base = bases[i] == NULL || *bases[i] == '/' ? bases[i] : realpath(bases[i], absolute);
    if (base != NULL && strlen(base) < PATH_MAX)
      snprintf(rank->roots[i], sizeof rank->roots[i], "%s/hwloc-share-%lu", base, (unsigned long)geteuid());
    for (j = 1; j < i; j++)
      if (strcmp(rank->roots[i], rank->roots[j]) == 0)
        *rank->roots[i] = '\0'; /* the same as an earlier one */
  }
}

/** Takes the options, with defaults for what is not given. 0 if one is out of range. */
static int take_options(struct rank *rank, const hwloc_share_options *given) {
  static const char *const ios[] = {"", "important", "none", "all"};
  const char *timeout = hws_setting("HWLOC_SHARE_TIMEOUT"), *io = hws_setting("HWLOC_SHARE_IO");
  hwloc_share_options *options = &rank->options;
  if (given != NULL)
    *options = *given;
  if (!(options->timeout >= 0 && options->timeout <= 86400) || !are_pieces(options->share, options->share_count))
    return 0;
  if (options->timeout == 0 && timeout != NULL) {
    options->timeout = strtod(timeout, NULL);
    if (!(options->timeout > 0 && options->timeout <= 86400)) {
      say(rank, "HWLOC_SHARE_TIMEOUT=%s is not a number of seconds up to a day", timeout);
      options->timeout = 0;
    }
  }
  options->timeout = options->timeout == 0 ? 30 : options->timeout;
  options->strict = options->strict == 0 ? is_on("HWLOC_SHARE_STRICT") : options->strict > 0;
  for (int i = 1; options->io == HWLOC_SHARE_IO_DEFAULT && io != NULL && i < 4; i++)
    if (strcmp(io, ios[i]) == 0)
      options->io = (enum hwloc_share_io)i;
  if (options->io == HWLOC_SHARE_IO_DEFAULT && io != NULL)
    say(rank, "HWLOC_SHARE_IO=%s is none of important, none, all", io);
  return 1;
}

/** Joins the other ranks, if there are any. A code. */
static int join(struct rank *rank) {
  const struct hws_identity *me = &rank->identity;
  const char *joined = hws_setting("HWLOC_SHARE_JOINED");
  char mark[sizeof rank->key + 32];
  int code = LOST;
  if (me->launcher == NULL || me->local_size == 1)
    return conclude(rank, NULL, "");
  if (*me->step == '\0') {
    fail(rank, "%s does not name its jobs, and its process cannot be seen from this container", me->launcher);
    return go_alone(rank);
  }
  find_channel(rank);
  snprintf(mark, sizeof mark, "%s/%lld", rank->key, (long long)rank->byte);
  /* A child process that inherited the variables, or this rank after its close(): the others do not join again. */
  if (joined != NULL && strncmp(joined, mark, strlen(mark)) == 0 && strchr(" ", joined[strlen(mark)]) != NULL)
    fail(rank, "this rank has joined before, or its parent process has");
  else if (setenv("HWLOC_SHARE_JOINED", mark, 1) == 0 && enter(rank) == 0)
    code = follow(rank, 0);
  return code == LOST ? go_alone(rank) : code;
}

/** A process that ends without hwloc_share_close() leaves the channel, too. */
static void leave_at_exit(void) {
  if (self != NULL && self->pid == getpid())
    leave(self);
}

/** A child made by fork is not this rank. If it kept a gate open, the gate would not end when the leader closes it. */
static void let_go_in_child(void) {
  if (self != NULL)
    let_go(self);
}

static void free_leader(struct leader *leader) {
  struct member *member = leader->members, *next;
  for (; member != NULL; member = next) {
    next = member->next;
    free(member->taken.list);
    free(member);
  }
  if (leader->topology != NULL)
    hwloc_topology_destroy(leader->topology);
  free(leader->index.data);
  free(leader);
}

static void free_rank(struct rank *rank) {
  if (rank->pid == getpid())
    leave(rank);
  drop_reservation(rank);
  drop_probe(rank);
  if (rank->mapped != NULL)
    munmap(rank->mapped, rank->mapped_bytes);
  if (rank->leader != NULL)
    free_leader(rank->leader);
  free(rank->says.data);
  free(rank);
}

/** Closes what a rank needs only while it waits; a leader keeps it. */
static void rest(struct rank *rank) {
  if (rank->leads)
    return;
  shut(&rank->lobby);
  shut(&rank->gate);
}

/** Makes the rank that this process is. NULL if there is no memory. */
static struct rank *new_rank(void) {
  struct rank *rank = (struct rank *)calloc(1, sizeof *rank);
  struct hws_identity *me;
  const char *trouble;
  if (rank == NULL)
    return NULL;
  rank->references = 1;
  rank->pid = getpid();
  rank->channel.directory = rank->channel.roll = rank->lobby = rank->gate = -1;
  rank->started = -1;
  rank->arrived = now();
  rank->busy = (double)clock() / CLOCKS_PER_SEC;
  rank->is_verbose = is_on("HWLOC_SHARE_VERBOSE");
  me = &rank->identity;
  trouble = hws_identify(NULL, (int)getppid(), me);
  rank->session.rank = me->rank;
  rank->session.size = me->size;
  rank->session.local_rank = me->local_rank;
  rank->session.local_size = me->local_size;
  rank->expected = me->local_size != -1 ? me->local_size : me->size;
  memcpy(rank->session.node, me->node, sizeof me->node);
  find_shape(rank->shape);
  find_allowed(rank->session.allowed_cpus, rank->session.allowed_mems);
  if (trouble != NULL)
    say(rank, "%s", trouble);
  return rank;
}

int hwloc_share_join(hwloc_share_session *session, const hwloc_share_options *options) {
  static int is_registered;
  struct rank *rank;
  int code = HWLOC_SHARE_EINVAL;
  if (session == NULL)
    return HWLOC_SHARE_EINVAL;
  memset(session, 0, sizeof *session);
  if (self != NULL && self->pid == getpid()) { /* a process can adopt a mapping only once */
    self->references++;
    *session = self->session;
    return HWLOC_SHARE_SUCCESS;
  }
  if ((rank = new_rank()) == NULL) {
    snprintf(session->reason, sizeof session->reason, "out of memory");
    return HWLOC_SHARE_ENOTOPOLOGY;
  }
  if (!is_registered)
    is_registered = atexit(leave_at_exit) == 0 && pthread_atfork(NULL, NULL, let_go_in_child) == 0;
  self = rank;
  if (take_options(rank, options))
    code = join(rank);
  else
    fail(rank, "an option is out of range");
  *session = rank->session;
  if (code != HWLOC_SHARE_SUCCESS) {
    if (*session->reason == '\0')
      snprintf(session->reason, sizeof session->reason, "%s", rank->trouble);
    self = NULL;
    free_rank(rank);
    return code;
  }
  rest(rank);
  if (rank->is_verbose && session->how == HWLOC_SHARE_ADOPTED)
    say(rank, "adopted the topology at %p, %lu bytes", session->address, (unsigned long)session->length);
  return HWLOC_SHARE_SUCCESS;
}

int hwloc_share_barrier(hwloc_share_session *session) {
  struct rank *rank = self;
  int code = LOST;
  if (session == NULL || session->topology == NULL || rank == NULL || rank->pid != getpid())
    return HWLOC_SHARE_EINVAL;
  if (rank->outside == NULL && rank->channel.roll == -1) /* there are no other ranks */
    return HWLOC_SHARE_SUCCESS;
  if (rank->outside == NULL) {
    code = rank->leads ? lead_barrier(rank, ++rank->barriers) : follow(rank, rank->barriers + 1);
    rest(rank);
  }
  if (code != LOST)
    return code;
  if (rank->outside == NULL)
    rank->outside = "the channel has gone";
  leave(rank);
  if (!rank->has_said_outside)
    say(rank, "%s; it passes its barriers without the others", rank->outside);
  rank->has_said_outside = 1;
  return HWLOC_SHARE_NOTALL;
}

const void *hwloc_share_data(const hwloc_share_session *session, const char *name, size_t *length) {
  const struct rank *rank = self;
  const void *found = NULL;
  size_t bytes = 0;
  if (session == NULL || session->topology == NULL || rank == NULL || name == NULL)
    return NULL;
  if (rank->mapped != NULL)
    found = find_mapped((const char *)rank->mapped, rank->mapped_bytes, name, &bytes);
  for (size_t i = 0; rank->mapped == NULL && found == NULL && i < rank->piece_count; i++)
    if (strcmp(rank->pieces[i].name, name) == 0) {
      found = rank->pieces[i].bytes == NULL ? "" : rank->pieces[i].bytes;
      bytes = rank->pieces[i].length;
    }
  if (length != NULL)
    *length = bytes;
  return found;
}

int hwloc_share_close(hwloc_share_session *session) {
  struct rank *rank = self;
  if (session == NULL || session->topology == NULL || rank == NULL)
    return HWLOC_SHARE_EINVAL;
  session->topology = NULL;
  if (--rank->references > 0)
    return HWLOC_SHARE_SUCCESS;
  self = NULL;
  hwloc_topology_destroy(rank->session.topology);
  free_rank(rank);
  return HWLOC_SHARE_SUCCESS;
}

const char *hwloc_share_strerror(int code) {
  static const char *const texts[] = {"a bad argument, or a session that is not open in this process",
                                      "libhwloc could not discover this machine", "the topology could not be shared",
                                      "success", "the barrier was passed, but not by all ranks of the node"};
  return code < HWLOC_SHARE_EINVAL || code > HWLOC_SHARE_NOTALL ? "no code of hwloc-share" : texts[code - HWLOC_SHARE_EINVAL];
}
