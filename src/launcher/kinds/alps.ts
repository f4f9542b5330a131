// ALPS, the launcher of older Cray systems: aprun.
// Variables: as programs of others read them (test/launcher/kinds/environments.ts says which). It passes the whole environment on.

import { launcherAbove } from './ancestor.js';
import { count, text } from './count.js';
import type { LauncherKind } from './kind.js';

export const alps: LauncherKind = {
  name: 'alps',
  commands: ['aprun'],

  identify(env, host) {
    if (env.ALPS_APP_PE === undefined) return undefined;
    return {
      launcher: 'alps',
      rank: count(env, 'ALPS_APP_PE'),
      // The rest it tells to programs that are linked with its library only.
      size: undefined,
      localRank: undefined,
      localSize: undefined,
      node: host,
      step: `alps-${text(env, 'ALPS_APP_ID')}@${host}`,
      keeper: launcherAbove(/^(apinit|apshepherd)/),
    };
  },
};
