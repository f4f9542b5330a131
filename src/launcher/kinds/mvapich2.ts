// MVAPICH2: mpirun_rsh. (Its mpiexec is Hydra, and is recognised as MPICH.) Variables: MVAPICH2 User Guide,
// "MPIRUN_RSH Parameters". It passes on only variables that its command line names. The user must name the
// wrapper's variables there too.

import { count } from './count.js';
import type { LauncherKind } from './kind.js';
import { unnamedStep } from './unnamed.js';

const processes = ['mpispawn'];

export const mvapich2: LauncherKind = {
  name: 'mvapich2',
  commands: ['mpirun_rsh'],
  variables: ['MV2_COMM_WORLD_RANK'],
  processes,

  identify(env, host) {
    return {
      launcher: 'mvapich2',
      rank: count(env, 'MV2_COMM_WORLD_RANK'),
      size: count(env, 'MV2_COMM_WORLD_SIZE'),
      localRank: count(env, 'MV2_COMM_WORLD_LOCAL_RANK'),
      localSize: count(env, 'MV2_COMM_WORLD_LOCAL_SIZE'),
      node: host,
      // There is no job id that all ranks see. mpispawn is one process for each node and job, and the parent
      // of that node's ranks.
      ...unnamedStep('mvapich2', processes, env, host),
    };
  },
};
