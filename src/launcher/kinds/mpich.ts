// MPICH: mpirun, mpiexec and mpiexec.hydra (process manager Hydra).
// Variables: Hydra's sources, tools/bootstrap and proxy; it gives PMI_* to all and MPI_LOCAL* to the ranks of one proxy.

import { hostname } from 'node:os';
import { launcherAbove, startOf } from './ancestor.js';
import { count } from './count.js';
import type { LauncherKind } from './kind.js';

const processes = /^(hydra_pmi_proxy|pmi_proxy)/;

export const mpich: LauncherKind = {
  name: 'mpich',
  commands: ['mpirun.mpich', 'mpiexec.mpich', 'mpiexec.hydra', 'mpirun.hydra'],
  shared: { commands: ['mpirun', 'mpiexec'], version: /HYDRA/i },

  identify(env) {
    // srun --mpi=pmi2 sets PMI_RANK too, but not the local ones.
    if (env.PMI_RANK === undefined || env.MPI_LOCALRANKID === undefined) return undefined;
    // Hydra has no job id. Its proxy is one process per node and job, and the ancestor of each of that node's ranks.
    const proxy = launcherAbove(processes);
    return {
      launcher: 'mpich',
      rank: count(env, 'PMI_RANK'),
      size: count(env, 'PMI_SIZE'),
      localRank: count(env, 'MPI_LOCALRANKID'),
      localSize: count(env, 'MPI_LOCALNRANKS'),
      node: hostname(),
      step: `mpich-${proxy}-${startOf(proxy)}@${hostname()}`,
      keeper: proxy,
    };
  },
};
