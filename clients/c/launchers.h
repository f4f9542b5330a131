/* Which rank a process is, from the variables of its launcher. Part of hwloc_share.c, which alone includes it.
 *
 * The launchers and what names their steps: docs/protocol.md, section 1.
 */

/** Who a process is in its job. */
struct hws_identity {
  const char *launcher;                   /* NULL: none started this process */
  int rank, size, local_rank, local_size; /* -1: the launcher does not tell */
  char node[256];
  char step[1024];  /* empty: nothing names the job step, or no launcher is known */
  int is_step_told; /* by variables: two steps never have the same name */
};

/** A process, as /proc tells of it. */
struct hws_process {
  int parent;
  uint64_t start; /* in clock ticks after boot */
  char command[32];
};

/** A setting; NULL if it is not set, or empty. */
static const char *hws_setting(const char *name) {
  const char *value = getenv(name);
  return value == NULL || *value == '\0' ? NULL : value;
}

/** A whole word as a number. 0 if it is none. */
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

/** Reads the beginning of a file of /proc or /sys, without its last newline. -1 if it cannot be read. */
static int hws_read_small(const char *path, char *text, size_t size) {
  size_t used = 0;
  ssize_t got = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd == -1)
    return -1;
  while (used < size - 1 && ((got = read(fd, text + used, size - 1 - used)) > 0 || (got == -1 && errno == EINTR)))
    used += got > 0 ? (size_t)got : 0;
  close(fd);
  if (used > 0 && text[used - 1] == '\n')
    used--;
  text[used] = '\0';
  return got == -1 ? -1 : 0;
}

/** -1 if there is no such process. */
static int hws_look_at(int pid, struct hws_process *process) {
  char path[64], text[1024], *command, *fields;
  unsigned long long start;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (hws_read_small(path, text, sizeof text) == -1)
    return -1;
  /* The command is in parentheses, and may hold any character, parentheses and spaces included. */
  command = strchr(text, '(');
  fields = strrchr(text, ')');
  if (command == NULL || fields == NULL ||
      sscanf(fields + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
             &process->parent, &start) != 2)
    return -1;
  *fields = '\0';
  process->start = start;
  snprintf(process->command, sizeof process->command, "%.31s", command + 1);
  return 0;
}

/** Whether this PID namespace shows all processes of the machine. */
static int hws_sees_every_process(void) {
  char name[64];
  ssize_t length = readlink("/proc/self/ns/pid", name, sizeof name - 1);
  name[length < 0 ? 0 : length] = '\0';
  return strcmp(name, "pid:[4026531836]") == 0;
}

/** The variables that a process was started with: one block to be freed, or NULL. */
static char **hws_environment_of(int pid) {
  enum { most = 1 << 18 };
  char path[64], *text = (char *)malloc(most), **entries = NULL;
  size_t count = 0, used = 0, i;
  ssize_t got = 0;
  int fd;
  snprintf(path, sizeof path, "/proc/%d/environ", pid);
  fd = open(path, O_RDONLY | O_CLOEXEC);
  while (fd != -1 && text != NULL && used < most - 1 && (got = read(fd, text + used, most - 1 - used)) > 0)
    used += (size_t)got;
  for (i = 0; i < used; i++)
    count += text[i] == '\0';
  if (fd != -1 && text != NULL && got != -1)
    entries = (char **)malloc((count + 2) * sizeof *entries + used + 1);
  if (entries != NULL) {
    char *copy = (char *)(entries + count + 2);
    memcpy(copy, text, used);
    copy[used] = '\0';
    for (i = 0, count = 0; i < used; i += strlen(copy + i) + 1)
      entries[count++] = copy + i;
    entries[count] = NULL;
  }
  if (fd != -1)
    close(fd);
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
  const char *id;           /* what names the step; if that is not set, the launcher's process above the rank does */
  const char *processes[6]; /* how the commands of its processes begin that are above a rank */
};

/** In the order of docs/protocol.md. test/launcher/kinds/environments.json has what each of them sets. */
static const struct hws_launcher hws_launchers[] = {
    {"local", {"HWLOC_SHARE_RANK"}, "HWLOC_SHARE_RANK", "HWLOC_SHARE_SIZE", "HWLOC_SHARE_LOCAL_RANK",
     "HWLOC_SHARE_LOCAL_SIZE", NULL, {NULL}},
    {"torchrun", {"TORCHELASTIC_RUN_ID", "LOCAL_RANK"}, "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE",
     "TORCHELASTIC_RUN_ID", {NULL}},
    /* The local size holds if FLUX_JOB_NNODES is 1. */
    {"flux", {"FLUX_TASK_RANK", "FLUX_TASK_LOCAL_ID"}, "FLUX_TASK_RANK", "FLUX_JOB_SIZE", "FLUX_TASK_LOCAL_ID",
     "FLUX_JOB_SIZE", "FLUX_JOB_ID", {"flux-shell"}},
    {"jsm", {"JSM_NAMESPACE_RANK"}, "JSM_NAMESPACE_RANK", "JSM_NAMESPACE_SIZE", "JSM_NAMESPACE_LOCAL_RANK",
     "JSM_NAMESPACE_LOCAL_SIZE", "?PMIX_NAMESPACE", {"jsmd"}},
    {"openmpi", {"OMPI_COMM_WORLD_RANK"}, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
     "OMPI_COMM_WORLD_LOCAL_SIZE", "?PMIX_NAMESPACE|OMPI_MCA_ess_base_jobid",
     {"orted", "orterun", "prte", "mpirun", "mpiexec"}},
    {"pals", {"PALS_RANKID", "PALS_LOCAL_RANKID"}, "PALS_RANKID", "?PMI_SIZE", "PALS_LOCAL_RANKID",
     "?PALS_LOCAL_SIZE|PMI_LOCAL_SIZE", "PALS_APID", {"palsd"}},
    {"intelmpi", {"I_MPI_MPIRUN|I_MPI_HYDRA_TOPOLIB", "PMI_RANK|PMI_ID", "MPI_LOCALRANKID"}, "PMI_RANK|PMI_ID",
     "?PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS", NULL, {"hydra_pmi_proxy", "pmi_proxy"}},
    {"mpich", {"PMI_RANK|PMI_ID", "MPI_LOCALRANKID"}, "PMI_RANK|PMI_ID", "?PMI_SIZE", "MPI_LOCALRANKID",
     "MPI_LOCALNRANKS", NULL, {"hydra_pmi_proxy", "pmi_proxy"}},
    {"mvapich2", {"MV2_COMM_WORLD_RANK"}, "MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_LOCAL_RANK",
     "MV2_COMM_WORLD_LOCAL_SIZE", NULL, {"mpispawn"}},
    {"alps", {"ALPS_APP_PE"}, "ALPS_APP_PE", NULL, NULL, NULL, "ALPS_APP_ID", {"apinit", "apshepherd"}},
    /* The local size is the item of node SLURM_NODEID; SLURM_STEP_ID names the step, too. */
    {"slurm", {"SLURM_PROCID", "SLURM_STEP_TASKS_PER_NODE"}, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID",
     "SLURM_STEP_TASKS_PER_NODE", "SLURM_JOB_ID", {"slurmstepd"}},
    {"pmix", {"PMIX_RANK", "PMIX_NAMESPACE"}, "PMIX_RANK", NULL, NULL, NULL, "PMIX_NAMESPACE", {"prte", "prun"}},
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

/** Of several launchers whose variables a process has, the one whose process is nearest above it; the first if none can be seen. */
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

/** The launcher's process above this rank; else its parent. Returns its pid, 0 if it cannot be seen; `*is_launchers`: it is the former. */
static int hws_daemon(const struct hws_launcher *launcher, struct hws_process *found, int *is_launchers) {
  int each = (int)getppid(), height;
  *is_launchers = 1;
  for (height = 0; height < 32 && each > 1 && hws_look_at(each, found) == 0; height++) {
    char **theirs = hws_is_launcher(launcher, "torchrun") ? hws_environment_of(each) : NULL;
    int is_agent = theirs != NULL && hws_variable(theirs, "TORCHELASTIC_RUN_ID") == NULL;
    free(theirs);
    if (is_agent || hws_is_process_of(launcher, found))
      return each;
    each = found->parent;
  }
  *is_launchers = 0;
  memset(found, 0, sizeof *found);
  return hws_look_at((int)getppid(), found) == 0 ? (int)getppid() : 0;
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
 * The name of the job step on this node; empty if the launcher has none, and its process, which would do, cannot be seen from this
 * container. 0 if a variable is missing that names it.
 */
static int hws_name_step(const struct hws_launcher *launcher, char *const *environment, struct hws_identity *me) {
  const char *id = hws_variable(environment, launcher->id), *more, *setting;
  struct hws_process daemon;
  char above[64];
  int pid, is_launchers;
  me->is_step_told = 1;
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
  me->is_step_told = 0;
  pid = hws_daemon(launcher, &daemon, &is_launchers);
  snprintf(above, sizeof above, "%d-%llu", pid, (unsigned long long)daemon.start);
  if (hws_is_launcher(launcher, "torchrun")) {
    more = hws_variable(environment, "TORCHELASTIC_RESTART_COUNT");
    snprintf(me->step, sizeof me->step, "torchrun-%.300s.%.300s-%s@%s", id, more == NULL ? "0" : more, above, me->node);
    return 1;
  }
  if (hws_is_launcher(launcher, "openmpi")) {
    snprintf(me->step, sizeof me->step, "openmpi-%d@%s", pid, me->node);
    return 1;
  }
  if (is_launchers || hws_sees_every_process()) {
    snprintf(me->step, sizeof me->step, "%s-%s@%s", launcher->name, above, me->node);
    return 1;
  }
  /* A container hides it. The wrapper's name for the job will do, if it was this launcher that the wrapper started. */
  setting = hws_variable(environment, "HWLOC_SHARE_LAUNCHER");
  if (hws_variable(environment, "HWLOC_SHARE_JOB") != NULL && setting != NULL && strcmp(setting, launcher->name) == 0)
    snprintf(me->step, sizeof me->step, "%s@%s", launcher->name, me->node);
  return 1;
}

/**
 * Who the process is that has these variables and this parent.
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
