// ALPS, the launcher of older Cray systems: aprun.
// Variables: as other programs read them (test/launcher/kinds/environments.ts names the programs). aprun
// passes the whole environment on.

import { count, text } from './count.js';
import type { LauncherKind } from './kind.js';

const processes = ['apinit', 'apshepherd'];

export const alps: LauncherKind = {
  name: 'alps',
  commands: ['aprun'],
  variables: ['ALPS_APP_PE'],
  processes,

  identify(env, host) {
    return {
      launcher: 'alps',
      rank: count(env, 'ALPS_APP_PE'),
      // aprun gives everything else only to programs that are linked with its library.
      size: undefined,
      localRank: undefined,
      localSize: undefined,
      node: host,
      step: `alps-${text(env, 'ALPS_APP_ID')}@${host}`,
    };
  },
};
