// MPICH: mpirun, mpiexec and mpiexec.hydra.

import { hydraProcesses, hydraVariables, identityOfHydra, passOnByGenv } from './hydra.js';
import type { LauncherKind } from './kind.js';

export const mpich: LauncherKind = {
  name: 'mpich',
  commands: ['mpirun.mpich', 'mpiexec.mpich', 'mpiexec.hydra', 'mpirun.hydra'],
  shared: { commands: ['mpirun', 'mpiexec'], version: /HYDRA/i },
  variables: hydraVariables,
  // Intel MPI uses Hydra too.
  isOthers: (env) => env.I_MPI_MPIRUN !== undefined || env.I_MPI_HYDRA_TOPOLIB !== undefined,
  processes: hydraProcesses,
  identify: (env, host) => identityOfHydra('mpich', env, host),
  passOn: passOnByGenv,
};
