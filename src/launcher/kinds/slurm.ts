// Slurm: srun, and job steps inside sbatch and salloc allocations.
// Variables: srun(1), "OUTPUT ENVIRONMENT VARIABLES".

import { IdentityError, count, text } from './count.js';
import type { Launch, LauncherKind } from './kind.js';
import { isWithoutValue } from './srun-options.js';

const processes = ['slurmstepd'];

export const slurm: LauncherKind = {
  name: 'slurm',
  commands: ['srun'],
  // SLURM_PROCID alone is also set in the batch script itself, which is not a rank: only steps have a layout.
  variables: ['SLURM_PROCID', 'SLURM_STEP_TASKS_PER_NODE'],
  processes,

  identify(env, host) {
    const node = env.SLURMD_NODENAME ?? host;
    return {
      launcher: 'slurm',
      rank: count(env, 'SLURM_PROCID'),
      size: count(env, 'SLURM_STEP_NUM_TASKS'),
      localRank: count(env, 'SLURM_LOCALID'),
      localSize: tasksOnNode(text(env, 'SLURM_STEP_TASKS_PER_NODE'), count(env, 'SLURM_NODEID')),
      node,
      step: `slurm-${text(env, 'SLURM_JOB_ID')}.${text(env, 'SLURM_STEP_ID')}@${node}`,
    };
  },

  /**
   * srun passes all variables on, unless `--export` or SLURM_EXPORT_ENV says otherwise. (sbatch --export sets
   * SLURM_EXPORT_ENV for its script.)
   */
  passOn({ args, env }, variables) {
    const words = [...args];
    let said = false;
    for (const at of exportOptions(args)) {
      const word = words[at] ?? '';
      words[at] = word.startsWith('--export=')
        ? `--export=${extended(word.slice('--export='.length), variables)}`
        : extended(word, variables);
      said = true;
    }
    // The option takes precedence over the variable.
    if (said || env.SLURM_EXPORT_ENV === undefined) return { args: words, env };
    return { args, env: { ...env, SLURM_EXPORT_ENV: extended(env.SLURM_EXPORT_ENV, variables) } };
  },
};

/**
 * The positions of the values of `--export` among srun's words. `:` begins the options of another component
 * of a heterogeneous step.
 */
function exportOptions(args: Launch['args']): number[] {
  const found: number[] = [];
  let i = 0;
  for (;;) {
    for (; i < args.length; i++) {
      const word = args[i] ?? '';
      if (!/^-./.test(word) || word === '--') break;
      if (word.startsWith('--export=')) found.push(i);
      else if (!isWithoutValue(word)) {
        i++;
        if (word === '--export') found.push(i);
      }
    }
    const colon = args.indexOf(':', i);
    if (colon === -1) return found;
    i = colon + 1;
  }
}

/** Adds variables to a value of `--export`. */
function extended(value: string, variables: readonly string[]): string {
  const words = value.split(',').filter((word) => word !== '');
  if (words.some((word) => /^ALL$/i.test(word))) return value;
  const said = new Set(words.map((word) => word.replace(/=.*/s, '')));
  const added = variables.filter((name) => !said.has(name));
  return [...words.filter((word) => !/^(NONE|NIL)$/i.test(word)), ...added].join(',');
}

/**
 * The number of tasks of a step on one of its nodes.
 *
 * @param layout  The tasks on each node, with repetitions in parentheses: `2(x3),1` is 2, 2, 2, 1.
 * @throws IdentityError  the layout has another form, or fewer nodes.
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
