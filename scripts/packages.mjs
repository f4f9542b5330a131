// The Debian packages that this project's scripts and tests need, and what each is there for: commands, headers and libraries.
// test/docs/packages.test.ts looks up every command that tests and scripts start, and fails where none of these provides it.

/**
 * @typedef {object} Provided
 * @property {readonly string[]} [commands]   Programs in PATH.
 * @property {readonly string[]} [headers]    As in #include.
 * @property {readonly string[]} [libraries]  Names of files that are linked or loaded.
 */

/** @type {Readonly<Record<string, Provided>>} What `npm start` needs. */
export const startPackages = {
  libhwloc15: { libraries: ['libhwloc.so.15'] },
};

/** @type {Readonly<Record<string, Provided>>} What `npm test` needs. */
export const testPackages = {
  ...startPackages,
  'bash-completion': {},
  binutils: { commands: ['nm'] },
  clang: { commands: ['clang'] },
  gcc: { commands: ['cc', 'gcc'] },
  'groff-base': { commands: ['groff'] },
  hwloc: { commands: ['lstopo', 'lstopo-no-graphics', 'hwloc-bind'] },
  iproute2: { commands: ['ip'] },
  'libc6-dev': { headers: ['stdio.h'] },
  'libhwloc-dev': { headers: ['hwloc.h'], libraries: ['libhwloc.so'] },
  make: { commands: ['make'] },
  mandoc: { commands: ['mandoc'] },
  mount: { commands: ['mount', 'umount'] },
  mpich: { commands: ['mpirun.mpich', 'mpiexec.hydra'] },
  munge: { commands: ['munged'] },
  'openmpi-bin': { commands: ['mpirun.openmpi'] },
  procps: { commands: ['ps', 'pkill'] },
  python3: { commands: ['python3'] },
  'slurm-wlm': { commands: ['srun', 'salloc', 'sbatch', 'sinfo', 'scancel', 'slurmctld', 'slurmd'] },
  strace: { commands: ['strace'] },
  tmux: { commands: ['tmux'] },
  valgrind: { commands: ['valgrind'] },
  zsh: { commands: ['zsh'] },
};

/** @type {Readonly<Record<string, Provided>>} What `npm run test:roots` needs. */
export const rootPackages = {
  git: { commands: ['git'] },
  mmdebstrap: { commands: ['mmdebstrap'] },
  mount: { commands: ['mount', 'umount'] },
};
