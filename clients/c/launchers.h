/* Which rank a process is, from the variables of its launcher. Part of hwloc_share.c, which alone includes it.
 *
 * docs/protocol.md, section 1, describes the launchers. An environment is a text here: variables that each end with a
 * NUL, and another NUL at the end. NULL is the environment of this process.
 */

/** Who a process is in its job. */
struct hws_identity {
  const char *launcher;                   /* NULL: none started this process */
  int rank, size, local_rank, local_size; /* -1: the launcher does not tell */
  char node[256];
  char step[1024];  /* empty: the step has no name, or no launcher is known */
  int is_step_told; /* only from variables: then no two steps of a node have the same name */
};

/** A process, from /proc. */
struct hws_process {
  int pid, parent;
  unsigned long long start; /* in clock ticks after boot */
  char command[32];
};

/** A setting; NULL if it is not set, or empty. Open MPI passes only variables that begin with OMPI_ to other nodes. */
static const char *hws_setting(const char *name) {
  char passed_on[64] = "OMPI_";
  const char *value = getenv(name);
  strncat(passed_on, name, sizeof passed_on - 6);
  if (value == NULL && strncmp(name, "HWLOC_SHARE_", 12) == 0)
    value = getenv(passed_on);
  return value == NULL || *value == '\0' ? NULL : value;
}

/** Reads a word that is a number. 0 if it is something else. */
static int hws_number(const char *word, int base, uint64_t *value) {
  const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
  if (word == NULL || *word == '\0' || strlen(word) > 16 || word[strspn(word, digits)] != '\0')
    return 0;
  *value = strtoull(word, NULL, base);
  return 1;
}

/** Reads the beginning of a file of /proc or /sys. Returns how much; -1 if it cannot be read. */
static ssize_t hws_read(const char *path, char *text, size_t size) {
  ssize_t used = 0, got = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd == -1)
    return -1;
  while ((size_t)used < size - 1 && (got = read(fd, text + used, size - 1 - (size_t)used)) > 0)
    used += got;
  close(fd);
  text[used] = '\0';
  return got == -1 ? -1 : used;
}

/** 0 if there is no such process. */
static int hws_look_at(int pid, struct hws_process *process) {
  char path[64], text[1024], *command, *fields;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (hws_read(path, text, sizeof text) == -1)
    return 0;
  /* The command is in parentheses; it can have any characters, also parentheses and spaces. */
  command = strchr(text, '(');
  fields = strrchr(text, ')');
  if (command == NULL || fields == NULL ||
      sscanf(fields + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
             &process->parent, &process->start) != 2)
    return 0;
  *fields = '\0';
  process->pid = pid;
  snprintf(process->command, sizeof process->command, "%.31s", command + 1);
  return 1;
}

/** Whether this PID namespace shows all processes of the machine. */
static int hws_sees_every_process(void) {
  char name[64] = "";
  return readlink("/proc/self/ns/pid", name, sizeof name - 1) > 0 && strcmp(name, "pid:[4026531836]") == 0;
}

/** The environment that a process was started with, to be freed. NULL if it cannot be read. */
static char *hws_environment_of(int pid) {
  const size_t most = 1 << 18;
  char path[64], *text = (char *)malloc(most);
  ssize_t length;
  snprintf(path, sizeof path, "/proc/%d/environ", pid);
  length = text == NULL ? -1 : hws_read(path, text, most - 1);
  if (length == -1) {
    free(text);
    return NULL;
  }
  text[length + 1] = '\0'; /* the last variable may be cut */
  return text;
}

/**
 * How a launcher tells a rank who it is. `A|B`: the first of these variables that is set. `?A`: not every version sets
 * it. NULL: the launcher does not tell.
 */
struct hws_launcher {
  const char *name;
  const char *variables[4]; /* it is this one if these are set */
  const char *rank, *size, *local_rank, *local_size;
  const char *id;           /* names the step; if it is not set, the launcher's process above the rank does */
  const char *processes[6]; /* how the commands of its processes above a rank begin */
};

#define HWS_FOUR(prefix) prefix "RANK", prefix "SIZE", prefix "LOCAL_RANK", prefix "LOCAL_SIZE"
#define HWS_HYDRA "PMI_RANK|PMI_ID", "?PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS", NULL

/** In the order of docs/protocol.md. test/launcher/kinds/environments.json shows what each of them sets. */
static const struct hws_launcher hws_launchers[] = {
    /* clang-format off */
    {"local", {"HWLOC_SHARE_RANK"}, HWS_FOUR("HWLOC_SHARE_"), NULL, {NULL}},
    {"torchrun", {"TORCHELASTIC_RUN_ID", "LOCAL_RANK"},
     "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID", {NULL}},
    /* The local size holds if FLUX_JOB_NNODES is 1. */
    {"flux", {"FLUX_TASK_RANK", "FLUX_TASK_LOCAL_ID"},
     "FLUX_TASK_RANK", "FLUX_JOB_SIZE", "FLUX_TASK_LOCAL_ID", "FLUX_JOB_SIZE", "FLUX_JOB_ID", {"flux-shell"}},
    {"jsm", {"JSM_NAMESPACE_RANK"}, HWS_FOUR("JSM_NAMESPACE_"), "?PMIX_NAMESPACE", {"jsmd"}},
    {"openmpi", {"OMPI_COMM_WORLD_RANK"}, HWS_FOUR("OMPI_COMM_WORLD_"), "?PMIX_NAMESPACE|OMPI_MCA_ess_base_jobid",
     {"orted", "orterun", "prte", "mpirun", "mpiexec"}},
    {"pals", {"PALS_RANKID", "PALS_LOCAL_RANKID"},
     "PALS_RANKID", "?PMI_SIZE", "PALS_LOCAL_RANKID", "?PALS_LOCAL_SIZE|PMI_LOCAL_SIZE", "PALS_APID", {"palsd"}},
    {"intelmpi", {"I_MPI_MPIRUN|I_MPI_HYDRA_TOPOLIB", "PMI_RANK|PMI_ID", "MPI_LOCALRANKID"}, HWS_HYDRA,
     {"hydra_pmi_proxy", "pmi_proxy"}},
    {"mpich", {"PMI_RANK|PMI_ID", "MPI_LOCALRANKID"}, HWS_HYDRA, {"hydra_pmi_proxy", "pmi_proxy"}},
    {"mvapich2", {"MV2_COMM_WORLD_RANK"}, HWS_FOUR("MV2_COMM_WORLD_"), NULL, {"mpispawn"}},
    {"alps", {"ALPS_APP_PE"}, "ALPS_APP_PE", NULL, NULL, NULL, "ALPS_APP_ID", {"apinit", "apshepherd"}},
    /* The local size is item SLURM_NODEID of the list; SLURM_STEP_ID is part of the step's name, too. */
    {"slurm", {"SLURM_PROCID", "SLURM_STEP_TASKS_PER_NODE"},
     "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE", "SLURM_JOB_ID",
     {"slurmstepd"}},
    {"pmix", {"PMIX_RANK", "PMIX_NAMESPACE"}, "PMIX_RANK", NULL, NULL, NULL, "PMIX_NAMESPACE", {"prte", "prun"}},
    /* clang-format on */
};
enum { HWS_LAUNCHERS = sizeof hws_launchers / sizeof *hws_launchers };

static int hws_is(const struct hws_launcher *launcher, const char *name) { return strcmp(launcher->name, name) == 0; }

/** The value of the first of these variables that is set in an environment, or (NULL) in ours. NULL if none is. */
static const char *hws_variable(const char *environment, const char *names) {
  const char *value = NULL;
  names += names != NULL && *names == '?';
  while (value == NULL && names != NULL && *names != '\0') {
    size_t length = strcspn(names, "|");
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)length, names);
    if (environment == NULL)
      value = getenv(name);
    for (const char *entry = environment; entry != NULL && *entry != '\0' && value == NULL; entry += strlen(entry) + 1)
      if (strncmp(entry, name, length) == 0 && entry[length] == '=')
        value = entry + length + 1;
    names += length + (names[length] == '|');
  }
  return value;
}

/** Whether the variables of a launcher are set, and not by another launcher that sets them for an MPI library. */
static int hws_is_set_in(const struct hws_launcher *launcher, const char *environment) {
  const char *other = hws_variable(environment, "OMPI_COMM_WORLD_RANK");
  for (int i = 0; launcher->variables[i] != NULL; i++)
    if (hws_variable(environment, launcher->variables[i]) == NULL)
      return 0;
  if (hws_is(launcher, "pals"))
    return hws_variable(environment, "SLURM_PROCID") == NULL;
  if (hws_is(launcher, "mpich"))
    return hws_variable(environment, "I_MPI_MPIRUN|I_MPI_HYDRA_TOPOLIB") == NULL;
  return !hws_is(launcher, "pmix") || other == NULL || strcmp(hws_variable(environment, "PMIX_RANK"), other) != 0;
}

/** Whether a process is one of a launcher's, by its command. */
static int hws_is_process_of(const struct hws_launcher *launcher, const struct hws_process *process) {
  for (int i = 0; launcher->processes[i] != NULL; i++)
    if (strncmp(process->command, launcher->processes[i], strlen(launcher->processes[i])) == 0)
      return 1;
  return 0;
}

/** Whether a process was started without a launcher's variables, or with other values: it gave them to its children. */
static int hws_has_set(const struct hws_launcher *launcher, const char *environment, const char *theirs) {
  for (int i = 0; theirs != NULL && launcher->variables[i] != NULL; i++) {
    const char *names = launcher->variables[i];
    while (*names != '\0') {
      size_t length = strcspn(names, "|");
      char name[64];
      const char *here, *there;
      snprintf(name, sizeof name, "%.*s", (int)length, names);
      here = hws_variable(environment, name);
      there = hws_variable(theirs, name);
      if (here == NULL || there == NULL ? here != there : strcmp(here, there) != 0)
        return 1;
      names += length + (names[length] == '|');
    }
  }
  return 0;
}

/** Which launcher started a process with these variables and this parent. NULL if none did. */
static const struct hws_launcher *hws_find_launcher(const char *environment, int parent) {
  const struct hws_launcher *found[HWS_LAUNCHERS], *nearest = NULL;
  struct hws_process process;
  int count = 0, height;
  for (int i = 0; i < HWS_LAUNCHERS; i++)
    if (hws_is_set_in(&hws_launchers[i], environment))
      found[count++] = &hws_launchers[i];
  if (count < 2)
    return count == 0 ? NULL : found[0];
  /* The nearest process above the rank decides. Its name is a better sign than the variables that it gave. */
  for (height = 0; nearest == NULL && height < 32 && parent > 1 && hws_look_at(parent, &process); height++) {
    char *theirs = hws_environment_of(parent);
    int signs, most = 0;
    for (int i = 0; i < count; i++) {
      signs = 2 * hws_is_process_of(found[i], &process) + hws_has_set(found[i], environment, theirs);
      nearest = signs > most ? found[i] : nearest;
      most = signs > most ? signs : most;
    }
    free(theirs);
    parent = process.parent;
  }
  return nearest != NULL ? nearest : found[0];
}

/** Finds the launcher's process above this rank. If it cannot be seen: returns 0, and finds the parent, or pid 0. */
static int hws_find_daemon(const struct hws_launcher *launcher, struct hws_process *found) {
  int pid = (int)getppid();
  for (int height = 0; height < 32 && pid > 1 && hws_look_at(pid, found); height++) {
    char *theirs = hws_is(launcher, "torchrun") ? hws_environment_of(pid) : NULL;
    int is_agent = theirs != NULL && hws_variable(theirs, "TORCHELASTIC_RUN_ID") == NULL;
    free(theirs);
    if (is_agent || hws_is_process_of(launcher, found))
      return 1;
    pid = found->parent;
  }
  if (!hws_look_at((int)getppid(), found))
    memset(found, 0, sizeof *found);
  return 0;
}

/** Reads a number that a launcher tells; -1 if it does not. Returns 0 if the variable must be a number and is not. */
static int hws_told(const char *environment, const char *names, int *value) {
  const char *word = hws_variable(environment, names);
  uint64_t number;
  *value = -1;
  if (names == NULL || (word == NULL && *names == '?'))
    return 1;
  if (!hws_number(word, 10, &number) || strlen(word) > 10 || number > INT_MAX)
    return 0;
  *value = (int)number;
  return 1;
}

/** Reads item `number` of a list such as `2(x3),1`, which stands for 2,2,2,1. 0 if there is no such item. */
static int hws_tasks_on_node(const char *list, int number, int *tasks) {
  for (;; list++) {
    char count[10], times[10] = "1";
    int end = 0, more = 0;
    if (sscanf(list, "%9[0-9]%n(x%9[0-9])%n", count, &end, times, &more) < 1)
      return 0;
    list += more > 0 ? more : end;
    if (*list != ',' && *list != '\0')
      return 0;
    *tasks = atoi(count);
    if (number < atoi(times))
      return 1;
    if (*list == '\0')
      return 0;
    number -= atoi(times);
  }
}

/**
 * Finds the name of the job step on this node. It is empty if the launcher has no name for it, and its process cannot
 * be seen from this container. 0 if a variable with the name is missing.
 */
static int hws_name_step(const struct hws_launcher *launcher, const char *environment, struct hws_identity *me) {
  const char *id = hws_variable(environment, launcher->id), *more;
  const char *job = hws_variable(environment, "HWLOC_SHARE_JOB"),
             *started = hws_variable(environment, "HWLOC_SHARE_LAUNCHER");
  struct hws_process daemon;
  char step[768];
  if (launcher->id != NULL && *launcher->id != '?' && (id == NULL || *id == '\0'))
    return 0;
  me->is_step_told = id != NULL && !hws_is(launcher, "torchrun");
  if (hws_is(launcher, "local")) {
    strcpy(step, "local");
  } else if (hws_is(launcher, "slurm")) {
    more = hws_variable(environment, "SLURM_STEP_ID");
    if (more == NULL || *more == '\0')
      return 0;
    snprintf(step, sizeof step, "slurm-%.300s.%.300s", id, more);
  } else if (hws_is(launcher, "flux")) {
    /* Tells the instances and the brokers of one host apart: both have the broker's directory in them. */
    more = hws_variable(environment, "FLUX_JOB_TMPDIR|FLUX_URI");
    snprintf(step, sizeof step, "flux-%.300s%s%.400s", id, more == NULL ? "" : "-", more == NULL ? "" : more);
  } else if (me->is_step_told) {
    snprintf(step, sizeof step, "%s-%.600s", launcher->name, id);
  } else {
    int is_daemon = hws_find_daemon(launcher, &daemon);
    more = hws_variable(environment, "TORCHELASTIC_RESTART_COUNT");
    if (hws_is(launcher, "torchrun"))
      snprintf(step, sizeof step, "torchrun-%.300s.%.300s-%d-%llu", id, more == NULL ? "0" : more, daemon.pid,
               daemon.start);
    else if (hws_is(launcher, "openmpi"))
      snprintf(step, sizeof step, "openmpi-%d", daemon.pid);
    else if (is_daemon || hws_sees_every_process())
      snprintf(step, sizeof step, "%s-%d-%llu", launcher->name, daemon.pid, daemon.start);
    else if (job != NULL && started != NULL && strcmp(started, launcher->name) == 0)
      strcpy(step, launcher->name); /* a container hides it, but the wrapper has named the job */
    else
      return 1;
  }
  snprintf(me->step, sizeof me->step, "%s@%s", step, me->node);
  return 1;
}

/**
 * Finds who a process with these variables and this parent is.
 *
 * Numbers that the launcher does not tell are -1. Returns NULL, or what is wrong with the variables: then the process
 * is rank 0 of 1.
 */
static const char *hws_identify(const char *environment, int parent, struct hws_identity *me) {
  const struct hws_launcher *launcher = hws_find_launcher(environment, parent);
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
  if (hws_is(launcher, "slurm"))
    node = hws_variable(environment, "SLURMD_NODENAME");
  if (hws_is(launcher, "openmpi") || hws_is(launcher, "pmix"))
    node = hws_variable(environment, "PMIX_HOSTNAME");
  if (node != NULL)
    snprintf(found.node, sizeof found.node, "%s", node);
  is_told = hws_told(environment, launcher->rank, &found.rank) && hws_told(environment, launcher->size, &found.size) &&
            hws_told(environment, launcher->local_rank, &found.local_rank);
  if (hws_is(launcher, "slurm"))
    is_told = is_told && hws_told(environment, "SLURM_NODEID", &number) &&
              hws_tasks_on_node(hws_variable(environment, launcher->local_size), number, &found.local_size);
  else
    is_told = is_told && hws_told(environment, launcher->local_size, &found.local_size);
  if (hws_is(launcher, "flux"))
    is_told = is_told && hws_told(environment, "FLUX_JOB_NNODES", &number);
  if (number != 1 && hws_is(launcher, "flux"))
    found.local_size = -1; /* Flux does not tell how many tasks are on each of several nodes */
  if (is_told && (found.local_size == -1 || found.local_rank < found.local_size) &&
      hws_name_step(launcher, environment, &found)) {
    *me = found;
    return NULL;
  }
  return "a variable of its launcher is missing or not valid; this process takes itself to be alone";
}
