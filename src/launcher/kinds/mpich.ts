// MPICH: mpirun, mpiexec and mpiexec.hydra.

import { identityOfHydra, passOnByGenv } from './hydra.js';
import type { LauncherKind } from './kind.js';

export const mpich: LauncherKind = {
  name: 'mpich',
  commands: ['mpirun.mpich', 'mpiexec.mpich', 'mpiexec.hydra', 'mpirun.hydra'],
  shared: { commands: ['mpirun', 'mpiexec'], version: /HYDRA/i },
  identify: (env, host) => identityOfHydra('mpich', env, host),
  passOn: passOnByGenv,
};
