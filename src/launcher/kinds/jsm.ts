// LSF's Job Step Manager: jsrun, and lrun on top of it.
// Variables: as other programs read them (test/launcher/kinds/environments.ts names the programs). jsrun
// passes the whole environment on.

import { count } from './count.js';
import type { LauncherKind } from './kind.js';
import { unnamedStep } from './unnamed.js';

const processes = ['jsmd'];

export const jsm: LauncherKind = {
  name: 'jsm',
  commands: ['jsrun', 'lrun'],
  variables: ['JSM_NAMESPACE_RANK'],
  processes,

  identify(env, host) {
    return {
      launcher: 'jsm',
      rank: count(env, 'JSM_NAMESPACE_RANK'),
      size: count(env, 'JSM_NAMESPACE_SIZE'),
      localRank: count(env, 'JSM_NAMESPACE_LOCAL_RANK'),
      localSize: count(env, 'JSM_NAMESPACE_LOCAL_SIZE'),
      node: host,
      ...(env.PMIX_NAMESPACE === undefined
        ? unnamedStep('jsm', processes, env, host)
        : { step: `jsm-${env.PMIX_NAMESPACE}@${host}` }),
    };
  },
};
