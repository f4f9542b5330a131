// The built-in launcher: `hwloc-share local -n N program`, N processes on this machine with no MPI installed.

import { placeVariables } from '../../environment/index.js';
import { count } from './count.js';
import type { LauncherKind } from './kind.js';

/** The variables that the built-in launcher sets for each of its ranks, in addition to HWLOC_SHARE_JOB. */
export function localVariables(rank: number, size: number): Record<string, string> {
  return {
    [placeVariables.rank]: String(rank),
    [placeVariables.size]: String(size),
    [placeVariables.localRank]: String(rank),
    [placeVariables.localSize]: String(size),
  };
}

export const local: LauncherKind = {
  name: 'local',
  commands: ['local'],
  variables: [placeVariables.rank],
  // The wrapper is a Node program. It is recognised because it does not have these variables itself.
  processes: [],

  identify(env, host) {
    return {
      launcher: 'local',
      rank: count(env, placeVariables.rank),
      size: count(env, placeVariables.size),
      localRank: count(env, placeVariables.localRank),
      localSize: count(env, placeVariables.localSize),
      node: host,
      step: `local@${host}`,
    };
  },
};
