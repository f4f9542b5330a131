// Slurm: srun, and job steps inside sbatch and salloc allocations.
// Variables: srun(1), "OUTPUT ENVIRONMENT VARIABLES".

import { hostname } from 'node:os';
import { launcherAbove } from './ancestor.js';
import { IdentityError, count } from './count.js';
import type { LauncherKind } from './kind.js';

export const slurm: LauncherKind = {
  name: 'slurm',
  commands: ['srun'],

  identify(env) {
    // SLURM_PROCID alone is also set in the batch script itself, which is no rank: only steps have a layout.
    if (env.SLURM_PROCID === undefined || env.SLURM_STEP_TASKS_PER_NODE === undefined) return undefined;
    const node = env.SLURMD_NODENAME ?? hostname();
    return {
      launcher: 'slurm',
      rank: count(env, 'SLURM_PROCID'),
      size: count(env, 'SLURM_STEP_NUM_TASKS'),
      localRank: count(env, 'SLURM_LOCALID'),
      localSize: tasksOnNode(env.SLURM_STEP_TASKS_PER_NODE, count(env, 'SLURM_NODEID')),
      node,
      step: `slurm-${count(env, 'SLURM_JOB_ID')}.${count(env, 'SLURM_STEP_ID')}@${node}`,
      keeper: launcherAbove(/^slurmstepd/),
    };
  },
};

/**
 * The tasks of a step on one of its nodes.
 *
 * @param layout  How many on each node, repetitions in parentheses: `2(x3),1` is 2, 2, 2, 1.
 * @throws IdentityError  if the layout is not of that form or has fewer nodes.
 */
export function tasksOnNode(layout: string, node: number): number {
  let first = 0;
  for (const part of layout.split(',')) {
    const [, tasks, times] = /^(\d{1,9})(?:\(x(\d{1,9})\))?$/.exec(part) ?? [];
    if (tasks === undefined) break;
    first += times === undefined ? 1 : Number(times);
    if (node < first) return Number(tasks);
  }
  throw new IdentityError(
    'SLURM_STEP_TASKS_PER_NODE',
    layout,
    `the tasks of node ${node} were expected in it`,
  );
}
