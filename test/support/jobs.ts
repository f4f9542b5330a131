// How each real launcher is told to start N ranks on this machine, which may have fewer cores, and as root.

export type LauncherName = 'openmpi' | 'mpich' | 'slurm';

export const launcherNames: readonly LauncherName[] = ['openmpi', 'mpich', 'slurm'];

/** The commands that must be installed for a launcher to be of use; the first is what starts a job. */
export const launcherPrograms: Record<LauncherName, readonly [string, ...string[]]> = {
  openmpi: ['mpirun.openmpi'],
  mpich: ['mpirun.mpich'],
  slurm: ['srun', 'sinfo', 'slurmctld', 'slurmd', 'munged'],
};

/** The whole command line for `n` ranks of a program. Slurm's needs the `env` of a started Slurm besides. */
export const launcherCommands: Record<LauncherName, (n: number, program: readonly string[]) => string[]> = {
  openmpi: (n, program) => [
    'mpirun.openmpi',
    '--allow-run-as-root',
    '--oversubscribe',
    '-n',
    String(n),
    ...program,
  ],
  mpich: (n, program) => ['mpirun.mpich', '-n', String(n), ...program],
  slurm: (n, program) => ['srun', '--oversubscribe', '-n', String(n), ...program],
};
