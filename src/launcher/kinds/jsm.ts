// LSF's Job Step Manager: jsrun, and lrun on top of it.
// Variables: as programs of others read them (test/launcher/kinds/environments.ts says which). It passes the whole environment on.

import { hostname } from 'node:os';
import { launcherAbove, startOf } from './ancestor.js';
import { count } from './count.js';
import type { LauncherKind } from './kind.js';

export const jsm: LauncherKind = {
  name: 'jsm',
  commands: ['jsrun', 'lrun'],

  identify(env) {
    if (env.JSM_NAMESPACE_RANK === undefined) return undefined;
    const daemon = launcherAbove(/^jsmd/);
    return {
      launcher: 'jsm',
      rank: count(env, 'JSM_NAMESPACE_RANK'),
      size: count(env, 'JSM_NAMESPACE_SIZE'),
      localRank: count(env, 'JSM_NAMESPACE_LOCAL_RANK'),
      localSize: count(env, 'JSM_NAMESPACE_LOCAL_SIZE'),
      node: hostname(),
      step: `jsm-${env.PMIX_NAMESPACE ?? `${daemon}-${startOf(daemon)}`}@${hostname()}`,
      keeper: daemon,
    };
  },
};
