// Flux: flux run, flux submit.
// Variables: flux-environment(7), "JOB ENVIRONMENT"; options: flux-run(1), "ENVIRONMENT".

import type { Environment } from '../../environment/index.js';
import { count, text } from './count.js';
import type { LauncherKind } from './kind.js';

const processes = ['flux-shell'];

export const flux: LauncherKind = {
  name: 'flux',
  commands: ['flux'],
  variables: ['FLUX_TASK_RANK', 'FLUX_TASK_LOCAL_ID'],
  processes,

  identify(env, host) {
    const size = count(env, 'FLUX_JOB_SIZE');
    return {
      launcher: 'flux',
      rank: count(env, 'FLUX_TASK_RANK'),
      size,
      localRank: count(env, 'FLUX_TASK_LOCAL_ID'),
      // Flux does not give the number of tasks on this node.
      localSize: count(env, 'FLUX_JOB_NNODES') === 1 ? size : undefined,
      node: host,
      step: `flux-${text(env, 'FLUX_JOB_ID')}${brokerIn(env)}@${host}`,
    };
  },

  /**
   * Flux passes all variables on, except those that `--env` rules remove. The order of the rules matters:
   * ours is added after the last one.
   */
  passOn({ args, env }, variables) {
    const isRule = (word: string) => /^--env(-remove|-file)?(=|$)/.test(word);
    const last = args.findLastIndex(isRule);
    if (last === -1) return { args, env };
    const end = args[last]?.includes('=') === true ? last + 1 : last + 2;
    const said = (name: string) =>
      args.some((word) => word.startsWith(`--env=${name}=`) || word === `--env=-${name}`);
    const added = variables.filter((name) => !said(name)).map((name) => `--env=${name}`);
    return { args: [...args.slice(0, end), ...added, ...args.slice(end)], env };
  },
};

/**
 * The broker's directory. It distinguishes the brokers of one host, whose tasks have the same local ids, and
 * instances, whose jobs may have the same id. Both variables contain it.
 */
function brokerIn(env: Environment): string {
  const place = env.FLUX_JOB_TMPDIR ?? env.FLUX_URI;
  return place === undefined ? '' : `-${place}`;
}
