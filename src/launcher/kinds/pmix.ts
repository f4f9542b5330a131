// PMIx alone: PRRTE's prterun and prun without the personality of an MPI, and any other launcher with a PMIx server.
// Variables: pmix_server_setup_fork in PMIx's sources; what else there is to know is told through the library only.

import { launcherAbove } from './ancestor.js';
import { count, text } from './count.js';
import type { LauncherKind } from './kind.js';
import { passOnByX } from './openmpi.js';

const processes = ['prte', 'prun'];

export const pmix: LauncherKind = {
  name: 'pmix',
  commands: ['prterun', 'prun'],
  variables: ['PMIX_RANK', 'PMIX_NAMESPACE'],
  // Open MPI is one of those that have a PMIx server inside: the commonest, and known without a look at any process.
  isOthers: (env) => env.OMPI_COMM_WORLD_RANK === env.PMIX_RANK,
  processes,

  identify(env, host) {
    const node = env.PMIX_HOSTNAME ?? host;
    return {
      launcher: 'pmix',
      rank: count(env, 'PMIX_RANK'),
      size: undefined,
      localRank: undefined,
      localSize: undefined,
      node,
      step: `pmix-${text(env, 'PMIX_NAMESPACE')}@${node}`,
      keeper: launcherAbove(processes),
    };
  },

  passOn: passOnByX,
};
