// Open MPI: mpirun, mpiexec and orterun of versions 3 to 5 (PRRTE in version 5). Variables: mpirun(1),
// "ENVIRONMENT VARIABLES". PMIX_NAMESPACE is PMIx's, and the same on all nodes. PMIX_HOSTNAME is the node's
// name, even in a container with another host name.

import { passedOn } from '../../environment/index.js';
import { launcherAbove } from './ancestor.js';
import { count } from './count.js';
import type { LauncherKind } from './kind.js';

const processes = ['orted', 'orterun', 'prte', 'mpirun', 'mpiexec'];

export const openmpi: LauncherKind = {
  name: 'openmpi',
  commands: ['mpirun.openmpi', 'mpiexec.openmpi', 'orterun'],
  shared: { commands: ['mpirun', 'mpiexec'], version: /Open MPI|OpenRTE/ },
  variables: ['OMPI_COMM_WORLD_RANK'],
  processes,

  identify(env, host) {
    const node = env.PMIX_HOSTNAME ?? host;
    return {
      launcher: 'openmpi',
      rank: count(env, 'OMPI_COMM_WORLD_RANK'),
      size: count(env, 'OMPI_COMM_WORLD_SIZE'),
      localRank: count(env, 'OMPI_COMM_WORLD_LOCAL_RANK'),
      localSize: count(env, 'OMPI_COMM_WORLD_LOCAL_SIZE'),
      node,
      step: `openmpi-${env.PMIX_NAMESPACE ?? env.OMPI_MCA_ess_base_jobid ?? launcherAbove(processes)}@${node}`,
    };
  },

  /**
   * Open MPI passes only variables whose names begin with OMPI_ to other nodes. So ours go there with that
   * prefix, and ranks restore the names. Not with -x: mpirun ends at once if variables are set both by -x and
   * by the parameter mca_base_env_list, which may be in a file of the user or of the site. With --app FILE,
   * mpirun ignores -x.
   */
  passOn: ({ args, env }, variables) => ({
    args,
    env: { ...env, ...Object.fromEntries(variables.map((name) => [passedOn + name, env[name]])) },
  }),
};
