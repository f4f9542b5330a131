/* A rank in C: joins the other ranks of its node, and prints where it is and what it sees.
 *
 *     make
 *     hwloc-share mpirun -n 4 ./rank
 *     hwloc-share mpirun -n 2 ./rank : -n 2 node ../first-job.mjs      # with ranks in other languages
 */
#include <hwloc_share.h>
#include <stdio.h>

/* -1: the launcher does not tell this number. */
static const char *told(int number, char text[16]) {
  snprintf(text, 16, number == -1 ? "?" : "%d", number);
  return text;
}

int main(void) {
  static const char *const how[] = {"adopted", "xml", "discovered"};
  hwloc_share_session session;
  char size[16], local_rank[16], local_size[16];
  int code = hwloc_share_join(&session, NULL);
  if (code != HWLOC_SHARE_SUCCESS) {
    fprintf(stderr, "rank: %s: %s\n", hwloc_share_strerror(code), session.reason);
    return 1;
  }
  printf("rank %d of %s: number %s of %s on %s, which has %d packages, %d NUMA nodes, %d cores and %d PUs (%s)\n",
         session.rank, told(session.size, size), told(session.local_rank, local_rank),
         told(session.local_size, local_size), session.node,
         hwloc_get_nbobjs_by_type(session.topology, HWLOC_OBJ_PACKAGE),
         hwloc_get_nbobjs_by_type(session.topology, HWLOC_OBJ_NUMANODE),
         hwloc_get_nbobjs_by_type(session.topology, HWLOC_OBJ_CORE),
         hwloc_get_nbobjs_by_type(session.topology, HWLOC_OBJ_PU), how[session.how]);
  fflush(stdout);
  hwloc_share_barrier(&session);
  hwloc_share_close(&session);
  return 0;
}
