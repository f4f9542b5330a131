// Open MPI: mpirun, mpiexec and orterun of versions 3 to 5 (there, of PRRTE).
// Variables: mpirun(1), "ENVIRONMENT VARIABLES"; PMIX_NAMESPACE is PMIx's, and the same on all nodes; PMIX_HOSTNAME is the node's name,
// whatever a container calls itself.

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
   * To other nodes Open MPI passes only variables whose names begin with OMPI_: ours go there under such names, and ranks give them their own
   * back. Not by -x: mpirun ends at once where it is told of variables by -x and by the parameter mca_base_env_list, which may stand in a file
   * of the user, or of the site; and with --app FILE it does not look at -x.
   */
  passOn: ({ args, env }, variables) => ({
    args,
    env: { ...env, ...Object.fromEntries(variables.map((name) => [passedOn + name, env[name]])) },
  }),
};
