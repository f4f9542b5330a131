// Open MPI: mpirun, mpiexec and orterun of versions 3 to 5 (there, of PRRTE).
// Variables: mpirun(1), "ENVIRONMENT VARIABLES"; PMIX_NAMESPACE is PMIx's, and the same on all nodes; PMIX_HOSTNAME is the node's name,
// whatever a container calls itself.

import { launcherAbove } from './ancestor.js';
import { count } from './count.js';
import type { Launch, LauncherKind } from './kind.js';

const processes = ['orted', 'orterun', 'prte', 'mpirun', 'mpiexec'];

export const openmpi: LauncherKind = {
  name: 'openmpi',
  commands: ['mpirun.openmpi', 'mpiexec.openmpi', 'orterun'],
  shared: { commands: ['mpirun', 'mpiexec'], version: /Open MPI|OpenRTE|PRRTE/ },
  variables: ['OMPI_COMM_WORLD_RANK'],
  processes,

  identify(env, host) {
    const node = env.PMIX_HOSTNAME ?? host;
    return {
      launcher: 'openmpi',
      rank: count(env, 'OMPI_COMM_WORLD_RANK'),
      size: count(env, 'OMPI_COMM_WORLD_SIZE'),
      localRank: count(env, 'OMPI_COMM_WORLD_LOCAL_RANK'),
      localSize: count(env, 'OMPI_COMM_WORLD_LOCAL_SIZE'),
      node,
      step: `openmpi-${env.PMIX_NAMESPACE ?? env.OMPI_MCA_ess_base_jobid ?? launcherAbove(processes)}@${node}`,
      get keeper() {
        return launcherAbove(processes);
      },
    };
  },

  passOn: passOnByX,
};

/** The parameter that does the same as -x, for all programs; mpirun refuses to be given both. */
const list = 'mca_base_env_list';

/**
 * To other nodes Open MPI passes its own variables only, and those that `-x` names, which holds for one program of an MPMD line. At
 * the beginning of each program's words it needs no knowledge of where the program itself begins.
 */
export function passOnByX({ args, env }: Launch, variables: readonly string[]): Launch {
  const at = args.indexOf(list);
  if (at !== -1) return { args: args.with(at + 1, extended(args[at + 1], variables)), env };
  if (env[`OMPI_MCA_${list}`] !== undefined) {
    return { args, env: { ...env, [`OMPI_MCA_${list}`]: extended(env[`OMPI_MCA_${list}`], variables) } };
  }
  return {
    args: programsOf(args).flatMap((words, i) => [...(i === 0 ? [] : [':']), ...withX(words, variables)]),
    env,
  };
}

function withX(words: readonly string[], variables: readonly string[]): string[] {
  const said = new Set(words.flatMap((word, i) => (words[i - 1] === '-x' ? [word.replace(/=.*/s, '')] : [])));
  return [...variables.flatMap((name) => (said.has(name) ? [] : ['-x', name])), ...words];
}

/** The words between the colons. */
function programsOf(args: readonly string[]): string[][] {
  const programs: string[][] = [[]];
  for (const word of args) {
    if (word === ':') programs.push([]);
    else programs.at(-1)?.push(word);
  }
  return programs;
}

function extended(value = '', variables: readonly string[]): string {
  const said = new Set(value.split(';').map((each) => each.replace(/=.*/s, '')));
  return [value, ...variables.filter((name) => !said.has(name))].filter((each) => each !== '').join(';');
}
