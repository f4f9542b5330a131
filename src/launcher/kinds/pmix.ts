// PMIx alone: PRRTE's prterun and prun without the personality of an MPI, and any other launcher with a PMIx
// server. Variables: pmix_server_setup_fork in PMIx's sources. All other facts are available through its
// library only.

import { count, text } from './count.js';
import type { Launch, LauncherKind } from './kind.js';

const processes = ['prte', 'prun'];

export const pmix: LauncherKind = {
  name: 'pmix',
  commands: ['prterun', 'prun'],
  shared: { commands: ['mpirun', 'mpiexec'], version: /PRRTE/ },
  variables: ['PMIX_RANK', 'PMIX_NAMESPACE'],
  // Open MPI contains a PMIx server. It is the most common such launcher, and this test needs no look at any
  // process.
  isOthers: (env) => env.OMPI_COMM_WORLD_RANK === env.PMIX_RANK,
  processes,

  identify(env, host) {
    const node = env.PMIX_HOSTNAME ?? host;
    return {
      launcher: 'pmix',
      rank: count(env, 'PMIX_RANK'),
      size: undefined,
      localRank: undefined,
      localSize: undefined,
      node,
      step: `pmix-${text(env, 'PMIX_NAMESPACE')}@${node}`,
    };
  },

  passOn: passOnByX,
};

/**
 * PRRTE passes variables that `-x` names to other nodes, for one program of an MPMD line. At the beginning of
 * each program's words, `-x` can be added without knowing where the program itself begins.
 */
function passOnByX({ args, env }: Launch, variables: readonly string[]): Launch {
  return {
    args: programsOf(args).flatMap((words, i) => [...(i === 0 ? [] : [':']), ...withX(words, variables)]),
    env,
  };
}

function withX(words: readonly string[], variables: readonly string[]): string[] {
  const said = new Set(words.flatMap((word, i) => (words[i - 1] === '-x' ? [word.replace(/=.*/s, '')] : [])));
  return [...variables.flatMap((name) => (said.has(name) ? [] : ['-x', name])), ...words];
}

/** The words between colons. */
function programsOf(args: readonly string[]): string[][] {
  const programs: string[][] = [[]];
  for (const word of args) {
    if (word === ':') programs.push([]);
    else programs.at(-1)?.push(word);
  }
  return programs;
}
