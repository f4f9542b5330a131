// Open MPI: mpirun, mpiexec and orterun of versions 3 to 5 (there, of PRRTE).
// Variables: mpirun(1), "ENVIRONMENT VARIABLES"; PMIX_NAMESPACE is PMIx's, and the same on all nodes.

import { hostname } from 'node:os';
import { launcherAbove } from './ancestor.js';
import { count } from './count.js';
import type { LauncherKind } from './kind.js';

const processes = /^(orted|orterun|prted|prterun|prte|mpirun|mpiexec)/;

export const openmpi: LauncherKind = {
  name: 'openmpi',
  commands: ['mpirun.openmpi', 'mpiexec.openmpi', 'orterun', 'prterun'],
  shared: { commands: ['mpirun', 'mpiexec'], version: /Open MPI|OpenRTE|PRRTE/ },

  identify(env) {
    if (env.OMPI_COMM_WORLD_RANK === undefined) return undefined;
    const keeper = launcherAbove(processes);
    return {
      launcher: 'openmpi',
      rank: count(env, 'OMPI_COMM_WORLD_RANK'),
      size: count(env, 'OMPI_COMM_WORLD_SIZE'),
      localRank: count(env, 'OMPI_COMM_WORLD_LOCAL_RANK'),
      localSize: count(env, 'OMPI_COMM_WORLD_LOCAL_SIZE'),
      node: hostname(),
      step: `openmpi-${env.PMIX_NAMESPACE ?? env.OMPI_MCA_ess_base_jobid ?? keeper}@${hostname()}`,
      keeper,
    };
  },
};
