// PMIx alone: PRRTE's prterun and prun without the personality of an MPI, and any other launcher with a PMIx server.
// Variables: pmix_server_setup_fork in PMIx's sources; what else there is to know is told through the library only.

import { launcherAbove } from './ancestor.js';
import { count, text } from './count.js';
import type { LauncherKind } from './kind.js';
import { passOnByX } from './openmpi.js';

export const pmix: LauncherKind = {
  name: 'pmix',
  commands: ['prterun', 'prun'],

  identify(env, host) {
    if (env.PMIX_RANK === undefined || env.PMIX_NAMESPACE === undefined) return undefined;
    const node = env.PMIX_HOSTNAME ?? host;
    return {
      launcher: 'pmix',
      rank: count(env, 'PMIX_RANK'),
      size: undefined,
      localRank: undefined,
      localSize: undefined,
      node,
      step: `pmix-${text(env, 'PMIX_NAMESPACE')}@${node}`,
      keeper: launcherAbove(/^(prted|prterun|prte|prun)/),
    };
  },

  passOn: passOnByX,
};
