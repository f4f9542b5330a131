// Intel MPI: mpirun and mpiexec, with their own Hydra. Variables: those of Hydra, and Intel's own as
// I_MPI_DEBUG=5 lists them. Its mpirun sets I_MPI_MPIRUN, its mpiexec.hydra sets I_MPI_HYDRA_TOPOLIB.

import { hydraProcesses, hydraVariables, identityOfHydra, passOnByGenv } from './hydra.js';
import type { LauncherKind } from './kind.js';

export const intelmpi: LauncherKind = {
  name: 'intelmpi',
  commands: [],
  shared: { commands: ['mpirun', 'mpiexec'], version: /Intel\(R\) MPI/ },
  variables: ['I_MPI_MPIRUN|I_MPI_HYDRA_TOPOLIB', ...hydraVariables],
  processes: hydraProcesses,
  identify: (env, host) => identityOfHydra('intelmpi', env, host),

  passOn: (launch, variables) => passOnByGenv(launch, variables, 'I_MPI_HYDRA_ENV'),
};
