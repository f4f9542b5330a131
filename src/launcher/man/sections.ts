// Sections of the man page that the help does not have.

/** A term and its description. */
export interface Entry {
  readonly term: string;
  readonly text: string;
}

/**
 * Variables that a user may set. A variable with the name of an option has the same effect, also in a job
 * without the wrapper.
 */
export const environmentEntries: readonly Entry[] = [
  {
    term: 'HWLOC_SHARE_DIR',
    text: 'as --dir. The first directory that can be used is taken: this one, /dev/shm, XDG_RUNTIME_DIR, TMPDIR or /tmp',
  },
  { term: 'HWLOC_SHARE_TIMEOUT', text: 'as --timeout, in seconds' },
  { term: 'HWLOC_SHARE_IO', text: 'as --io' },
  { term: 'HWLOC_SHARE_HOLE', text: 'as --hole' },
  { term: 'HWLOC_SHARE_LIBHWLOC', text: 'as --libhwloc' },
  { term: 'HWLOC_SHARE_STRICT', text: 'as --strict, unless it is 0, no, false or off' },
  { term: 'HWLOC_SHARE_VERBOSE', text: 'as --verbose, unless it is 0, no, false or off' },
  {
    term: 'HWLOC_XMLFILE, HWLOC_SYNTHETIC, HWLOC_FSROOT',
    text: "hwloc's own: ranks share the topology that they name, instead of the topology of the machine",
  },
  { term: 'NO_COLOR', text: 'no colours on a terminal' },
];

/** Places where a user may find files of hwloc-share. */
export const fileEntries: readonly Entry[] = [
  {
    term: '/dev/shm/hwloc-share-UID/',
    text: 'channels of the jobs of a user, mode 0700: a directory for each job step, with named pipes and, until all ranks have it, the topology. The last rank removes it. The next job, or hwloc-share clean, removes what killed jobs left',
  },
];

/** Lines on stderr, and what to do about them. docs/troubleshooting.md has all of them. */
export const diagnosticEntries: readonly Entry[] = [
  {
    term: 'ranks 3 and 7 have not joined; continuing without them (they can still join)',
    text: 'These ranks run another program, died, or are late. A rank that comes later adopts the topology, and takes part in barriers',
  },
  {
    term: 'the leader was silent for 30 s (HWLOC_SHARE_TIMEOUT); discovered the machine on its own',
    text: 'The rank that leads its node was stopped, or the node is overloaded. The others have a topology of their own. --timeout says how long to wait',
  },
  {
    term: "the planned range is taken in this rank; using a private copy of the leader's topology",
    text: 'Something maps memory at the address that --hole names. Leave --hole out; hwloc-share maps shows what is mapped there',
  },
  {
    term: 'DIRECTORY belongs to user UID; refused',
    text: 'Another user made this directory. The ranks use the next one; --dir names one of your own',
  },
  {
    term: 'libhwloc was not found',
    text: 'Install it (libhwloc15 in Debian and Ubuntu, hwloc-libs in RHEL), or name it with --libhwloc',
  },
];

/** Other man pages: name and section. */
export const seeAlso: readonly (readonly [name: string, section: number])[] = [
  ['hwloc', 7],
  ['lstopo', 1],
  ['hwloc-bind', 1],
  ['mpirun', 1],
  ['srun', 1],
  ['proc', 5],
];
