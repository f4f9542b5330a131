// The floor: forks the ranks, loads once, releases them through one pipe, all adopt.
// Nothing is negotiated: ranks that were forked have one and the same map.
#include "peer.h"
#include <sys/mman.h>
#include <sys/wait.h>

static void rank_main(int rank, const char *folder, int measures, struct plan *plan, const int release[2]) {
  struct gate join = open_gate(folder, "join"), walk_gate = {-1, -1}, tell_gate = open_gate(folder, "tell");
  if (measures) walk_gate = open_gate(folder, "walk");
  if (rank != 0) {
    close(release[1]);
    // Adopting needs no plugins, and the first topology of a process would load them.
    setenv("HWLOC_PLUGINS_PATH", "", 1);
  }
  struct result r = {.rank = rank, .how = "adopted", .before = usage_of(0), .cpu_ready = cpu()};
  report_ready(folder);
  wait_at(join);

  r.cpu_called = cpu();
  r.called = now();
  hwloc_topology_t own = NULL;
  if (rank == 0) {
    own = load();
    *plan = share(own, folder);
    // Everybody's end of file, at once.
    close(release[1]);
  } else {
    char byte;
    while (read(release[0], &byte, 1) < 0 && errno == EINTR) {
    }
  }
  uint64_t released = now();
  hwloc_topology_t topology = adopt(plan);
  if (!topology) die("adopt");
  r.adopt = (double)(now() - released) / 1e6;
  if (own) hwloc_topology_destroy(own);
  r.got = now();
  r.cpu_got = cpu();
  pass(join);

  if (measures) {
    wait_at(walk_gate);
    walk(topology, hwloc_get_root_obj(topology));
    pass(walk_gate);
  }
  wait_at(tell_gate);
  if (measures) {
    r.after = usage_of(0);
    r.mapping = usage_of((uintptr_t)plan->address);
  }
  tell(folder, &r);
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: floor RANKS FOLDER [memory]\n");
    return 2;
  }
  int ranks = atoi(argv[1]), measures = argc > 3, release[2];
  if (pipe2(release, O_CLOEXEC)) die("pipe");
  struct plan *plan = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (plan == MAP_FAILED) die("mmap");
  for (int rank = 0; rank < ranks; rank++) {
    pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) {
      rank_main(rank, argv[2], measures, plan, release);
      _exit(0);
    }
  }
  close(release[0]);
  close(release[1]);
  int status, worst = 0;
  while (wait(&status) > 0) {
    if (status != 0) worst = 1;
  }
  return worst;
}
