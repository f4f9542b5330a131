// PALS, the launcher of HPE Cray systems under PBS: mpiexec and aprun.
// Variables: as in Slurm's mpi/cray_shasta and in job scripts. Slurm's mpi/cray_shasta and Flux set some of
// them too, for Cray's MPI; there, the variables of Slurm and Flux count.

import { count, countIfSet, text } from './count.js';
import { passOnByGenv } from './hydra.js';
import type { LauncherKind } from './kind.js';

const processes = ['palsd'];

export const pals: LauncherKind = {
  name: 'pals',
  commands: [],
  shared: { commands: ['mpiexec', 'mpirun'], version: /\bPALS\b/i },
  variables: ['PALS_RANKID', 'PALS_LOCAL_RANKID'],
  isOthers: (env) => env.SLURM_PROCID !== undefined,
  processes,

  identify(env, host) {
    return {
      launcher: 'pals',
      rank: count(env, 'PALS_RANKID'),
      size: countIfSet(env, 'PMI_SIZE'),
      localRank: count(env, 'PALS_LOCAL_RANKID'),
      localSize: countIfSet(env, 'PALS_LOCAL_SIZE') ?? countIfSet(env, 'PMI_LOCAL_SIZE'),
      node: host,
      step: `pals-${text(env, 'PALS_APID')}@${host}`,
    };
  },

  passOn: passOnByGenv,
};
