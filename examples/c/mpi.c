/* A rank of an MPI job in C: binds itself to its own core, which it finds in the topology that all ranks of the node share.
 *
 *     make mpi
 *     hwloc-share mpirun -n 4 ./mpi
 *
 * Join after MPI_Init(): MPI libraries use libhwloc themselves.
 */
#include <hwloc_share.h>
#include <mpi.h>
#include <stdio.h>

/** Binds this process to core `number`, modulo the number of cores. Returns the core, or NULL. */
static hwloc_obj_t bind_to_core(hwloc_topology_t topology, int number) {
  int cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
  hwloc_obj_t core = cores < 1 ? NULL : hwloc_get_obj_by_type(topology, HWLOC_OBJ_CORE, (unsigned)(number % cores));
  return core != NULL && hwloc_set_cpubind(topology, core->cpuset, 0) == 0 ? core : NULL;
}

int main(int argc, char **argv) {
  hwloc_share_session session;
  hwloc_obj_t core;
  int rank, code;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  code = hwloc_share_join(&session, NULL);
  if (code != HWLOC_SHARE_SUCCESS) {
    fprintf(stderr, "mpi: %s: %s\n", hwloc_share_strerror(code), session.reason);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  /* If the launcher does not tell local ranks, use the rank in the job. */
  core = bind_to_core(session.topology, session.local_rank < 0 ? rank : session.local_rank);
  if (core == NULL)
    printf("MPI rank %d on %s: not bound\n", rank, session.node);
  else
    printf("MPI rank %d on %s: bound to core %u\n", rank, session.node, core->logical_index);
  fflush(stdout);
  MPI_Barrier(MPI_COMM_WORLD);
  hwloc_share_close(&session);
  MPI_Finalize();
  return 0;
}
