// Intel MPI: mpirun and mpiexec, of a Hydra of its own.
// Variables: those of Hydra, and its own as I_MPI_DEBUG=5 lists them; I_MPI_MPIRUN is what its mpirun sets,
// I_MPI_HYDRA_TOPOLIB what its mpiexec.hydra does.

import { identityOfHydra, passOnByGenv } from './hydra.js';
import type { LauncherKind } from './kind.js';

export const intelmpi: LauncherKind = {
  name: 'intelmpi',
  commands: [],
  shared: { commands: ['mpirun', 'mpiexec'], version: /Intel\(R\) MPI/ },

  identify(env, host) {
    if (env.I_MPI_MPIRUN === undefined && env.I_MPI_HYDRA_TOPOLIB === undefined) return undefined;
    return identityOfHydra('intelmpi', env, host);
  },

  passOn: (launch, variables) => passOnByGenv(launch, variables, 'I_MPI_HYDRA_ENV'),
};
