/* One hwloc topology for all ranks of a node, in C.
 *
 *     #include <hwloc_share.h>
 *
 *     hwloc_share_session session;
 *     if (hwloc_share_join(&session, NULL) != HWLOC_SHARE_SUCCESS)
 *       errx(1, "no topology: %s", session.reason);
 *     int cores = hwloc_get_nbobjs_by_type(session.topology, HWLOC_OBJ_CORE);
 *     hwloc_share_barrier(&session);
 *     hwloc_share_close(&session);
 *
 * One rank of the node discovers the hardware, and the others map the same topology. Ranks in C share with ranks in
 * other languages of the same job; docs/protocol.md of hwloc-share describes how. Any rank can lead, leave, die or come
 * late.
 *
 * Needs libhwloc 2.0 or later and Linux on a 64-bit machine. C99 or C++. Link with -lhwloc_share -lhwloc -pthread.
 */
#ifndef HWLOC_SHARE_H
#define HWLOC_SHARE_H

#include <hwloc.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the functions return. Negative: a failure. */
enum hwloc_share_code {
  HWLOC_SHARE_SUCCESS = 0,
  /** Only from hwloc_share_barrier(): passed, but not all ranks of the node took part. */
  HWLOC_SHARE_NOTALL = 1,
  /** The topology could not be shared, and `strict` does not allow a private one. */
  HWLOC_SHARE_ENOTSHARED = -1,
  /** There is no topology: libhwloc could not discover this machine. */
  HWLOC_SHARE_ENOTOPOLOGY = -2,
  /** A bad argument, or a session that is not open in this process. */
  HWLOC_SHARE_EINVAL = -3
};

/** How a rank got its topology. */
enum hwloc_share_how {
  /** Mapped: the same pages as in the other ranks. Read-only, see hwloc/shmem.h. */
  HWLOC_SHARE_ADOPTED,
  /** A private copy, loaded from the leader's XML. */
  HWLOC_SHARE_XML,
  /** A private one: this rank discovered the machine itself. */
  HWLOC_SHARE_DISCOVERED
};

/** I/O objects in a topology that this process loads. */
enum hwloc_share_io {
  /** The value of HWLOC_SHARE_IO; the important ones if it is not set. */
  HWLOC_SHARE_IO_DEFAULT,
  HWLOC_SHARE_IO_IMPORTANT,
  HWLOC_SHARE_IO_NONE,
  HWLOC_SHARE_IO_ALL
};

/** Named bytes. */
typedef struct hwloc_share_piece {
  /** 1 to 255 bytes of UTF-8, different for each piece. */
  const char *name;
  const void *bytes;
  /** May be 0. */
  size_t length;
} hwloc_share_piece;

/** Options of a join. All zero, or NULL in place of the struct: the defaults. */
typedef struct hwloc_share_options {
  /** Seconds to wait for ranks that are silent, up to 86,400. 0: HWLOC_SHARE_TIMEOUT, else 30. */
  double timeout;
  /** 1: fail rather than use a private topology. -1: use one. 0: the value of HWLOC_SHARE_STRICT. */
  int strict;
  /** The leader's choice counts for all ranks that share. */
  enum hwloc_share_io io;
  /**
   * Data for all ranks of the node: `share_count` pieces, at most 4,096. Pass the same data in every rank: all ranks
   * get the leader's, and a rank that cannot get it uses its own. So keep it until hwloc_share_close().
   */
  const hwloc_share_piece *share;
  size_t share_count;
  /**
   * In place of `share`: a function that makes the data. It is called with `share_context` in the leader, while others
   * arrive, and in ranks that cannot get the leader's data. It sets the pieces and their count, and returns 0; another
   * value means that there is no data.
   */
  int (*make_share)(void *context, const hwloc_share_piece **pieces, size_t *count);
  void *share_context;
  /**
   * 1: load hwloc's plugins also in ranks that adopt, which takes 3 ms. 0: only if the program is linked with an MPI
   * library. Without plugins, other topologies that the process loads before hwloc_share_close() have no objects from
   * plugins, such as PCI devices. If the process used libhwloc before the join, nothing changes.
   */
  int plugins;
} hwloc_share_options;

/** What a rank got. Do not change it. */
typedef struct hwloc_share_session {
  /** Belongs to the session: hwloc_share_close() destroys it. */
  hwloc_topology_t topology;
  enum hwloc_share_how how;
  /** Why it is not HWLOC_SHARE_ADOPTED, or why hwloc_share_join() failed. Empty if nothing went wrong, or if there are
   * no other ranks. */
  char reason[512];
  /** The number of this process in the job, and the size of the job. 0 and 1 if no launcher is known. -1: the launcher
   * does not tell. */
  int rank, size;
  /** The same on this node. */
  int local_rank, local_size;
  /** The name of this node. */
  char node[256];
  /** The address and length in bytes of the mapped topology; NULL and 0 if it is not HWLOC_SHARE_ADOPTED. */
  void *address;
  size_t length;
  /** Whether this process discovered the machine itself. */
  int did_discover;
  /**
   * The CPUs and NUMA nodes that the cgroup of this process allows, for hwloc_bitmap_list_sscanf(); empty if not known.
   * hwloc_topology_get_allowed_cpuset() returns what the leader's cgroup allows, which may differ.
   */
  char allowed_cpus[1024], allowed_mems[1024];
} hwloc_share_session;

/**
 * Joins the other ranks of this node, and gets the topology that they share.
 *
 * Every rank of the job calls it, in one thread at a time. It waits until the other ranks of the node have come, or no
 * more come. If it cannot share, the rank gets a correct topology of its own, and one line on stderr says why. A second
 * call in the same process gets the same topology, ignores its options, and needs its own hwloc_share_close().
 *
 * Sets HWLOC_SHARE_JOINED in the environment, so that child processes do not take themselves for this rank.
 *
 * \return HWLOC_SHARE_SUCCESS. HWLOC_SHARE_ENOTSHARED, if strict. HWLOC_SHARE_ENOTOPOLOGY. HWLOC_SHARE_EINVAL:
 * `session` is NULL, or an option is out of range. After a failure, `session->reason` says why, and there is nothing to
 * close.
 */
int hwloc_share_join(hwloc_share_session *session, const hwloc_share_options *options);

/**
 * Waits until all ranks of the job on this node have come here. It does not wait for ranks that die or leave. There is
 * no timeout.
 *
 * \return HWLOC_SHARE_SUCCESS: all ranks that the launcher started on this node took part. HWLOC_SHARE_NOTALL: some
 * have died, left or not joined; or this rank came after the others had gone on, or could not reach them.
 * HWLOC_SHARE_EINVAL.
 */
int hwloc_share_barrier(hwloc_share_session *session);

/**
 * Looks up data that the leader shares.
 *
 * \param length  May be NULL.
 * \return the bytes, read-only and aligned to 64, valid until hwloc_share_close(); NULL if there is no piece of this
 * name. A rank that could not get the leader's data gets the data of its own options.
 */
const void *hwloc_share_data(const hwloc_share_session *session, const char *name, size_t *length);

/**
 * Leaves the job without waiting. The last close of a process destroys the topology and unmaps the data; other ranks
 * keep theirs.
 *
 * \return HWLOC_SHARE_SUCCESS or HWLOC_SHARE_EINVAL.
 */
int hwloc_share_close(hwloc_share_session *session);

/** The text of an `enum hwloc_share_code`. */
const char *hwloc_share_strerror(int code);

#ifdef __cplusplus
}
#endif

#endif /* HWLOC_SHARE_H */
