// The same sharing by hand, with MPI: the first rank of a node loads, picks a hole of its own map, writes and broadcasts; all adopt.
// `patient`: ranks sleep while they wait for the broadcast, instead of leaving the waiting to MPI, which spins.
#include "peer.h"
#include <mpi.h>

static void broadcast(struct plan *plan, MPI_Comm node, int patient) {
  if (!patient) {
    MPI_Bcast(plan, sizeof *plan, MPI_BYTE, 0, node);
    return;
  }
  const struct timespec nap = {0, 1000000};
  MPI_Request request;
  MPI_Ibcast(plan, sizeof *plan, MPI_BYTE, 0, node, &request);
  for (int done = 0;;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done) return;
    nanosleep(&nap, NULL);
  }
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: mpi bcast|patient FOLDER [memory]\n");
    return 2;
  }
  MPI_Init(&argc, &argv);
  int patient = strcmp(argv[1], "patient") == 0, measures = argc > 3, rank;
  const char *folder = argv[2];
  MPI_Comm node;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  MPI_Comm_rank(node, &rank);
  // MPI connects ranks when they first talk: not to be counted.
  int warm = rank;
  MPI_Bcast(&warm, 1, MPI_INT, 0, node);

  struct gate join = open_gate(folder, "join"), walk_gate = {-1, -1}, tell_gate = open_gate(folder, "tell");
  if (measures) walk_gate = open_gate(folder, "walk");
  // Adopting needs no plugins, and the first topology of a process would load them.
  if (rank != 0) setenv("HWLOC_PLUGINS_PATH", "", 1);
  struct result r = {.rank = rank, .how = "adopted", .before = usage_of(0), .cpu_ready = cpu()};
  report_ready(folder);
  wait_at(join);

  r.cpu_called = cpu();
  r.called = now();
  struct plan plan;
  hwloc_topology_t own = NULL;
  if (rank == 0) {
    own = load();
    plan = share(own, folder);
  }
  broadcast(&plan, node, patient);
  uint64_t released = now();
  hwloc_topology_t topology = adopt(&plan);
  r.adopt = (double)(now() - released) / 1e6;
  if (topology && own) hwloc_topology_destroy(own);
  if (!topology) {
    r.how = "discovered";
    if (rank != 0) unsetenv("HWLOC_PLUGINS_PATH");
    topology = own ? own : load();
  }
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
    r.mapping = usage_of((uintptr_t)plan.address);
  }
  tell(folder, &r);
  MPI_Finalize();
  return 0;
}
