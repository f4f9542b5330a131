// What the man page says beside what the help of each command does.

/** A term, and what is said of it. */
export interface Entry {
  readonly term: string;
  readonly text: string;
}

/** Variables that a user may set. Those of our options are what the option of the same name says, in a job without the wrapper, too. */
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
    text: "hwloc's own: the topology that they name is shared, instead of that of the machine",
  },
  { term: 'NO_COLOR', text: 'no colours on a terminal' },
];

/** Where files of ours may be met. */
export const fileEntries: readonly Entry[] = [
  {
    term: '/dev/shm/hwloc-share-UID/',
    text: 'channels of the jobs of a user, mode 0700: a folder for each job step, in which there are named pipes and, until all ranks have it, the topology. It is removed when the job ends; what is left of killed jobs, by the next one or by hwloc-share clean',
  },
];

/** Lines on stderr, and what to do about them. docs/troubleshooting.md has them all. */
export const diagnosticEntries: readonly Entry[] = [
  {
    term: 'ranks 3 and 7 did not join within 30 s; going on without them',
    text: 'These ranks call join() late, or never. Those that come later share all the same. --timeout says how long to wait',
  },
  {
    term: 'the leader has gone; discovered the machine on its own',
    text: 'The first rank of the node has ended before the others had the topology. They have one of their own, which is as good',
  },
  {
    term: "its range was taken in each of the plans; using a private copy of the leader's topology",
    text: 'Something maps memory at the address that --hole asks for. hwloc-share maps shows what; without --hole there is room',
  },
  {
    term: 'DIRECTORY belongs to user UID; refused',
    text: 'Somebody else has made it. Remove it, or name another place with --dir',
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
