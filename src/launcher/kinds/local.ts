// The built-in launcher: `hwloc-share local -n N program`, N processes on this machine with no MPI installed.

import { hostname } from 'node:os';
import { count } from './count.js';
import type { LauncherKind } from './kind.js';

/** What the built-in launcher sets for each of its ranks, beside HWLOC_SHARE_STEP. */
export function localVariables(rank: number, size: number): Record<string, string> {
  return {
    HWLOC_SHARE_RANK: String(rank),
    HWLOC_SHARE_SIZE: String(size),
    HWLOC_SHARE_LOCAL_RANK: String(rank),
    HWLOC_SHARE_LOCAL_SIZE: String(size),
  };
}

export const local: LauncherKind = {
  name: 'local',
  commands: ['local'],

  identify(env) {
    if (env.HWLOC_SHARE_RANK === undefined) return undefined;
    return {
      launcher: 'local',
      rank: count(env, 'HWLOC_SHARE_RANK'),
      size: count(env, 'HWLOC_SHARE_SIZE'),
      localRank: count(env, 'HWLOC_SHARE_LOCAL_RANK'),
      localSize: count(env, 'HWLOC_SHARE_LOCAL_SIZE'),
      node: hostname(),
      step: `local@${hostname()}`,
      keeper: process.ppid,
    };
  },
};
