// Hydra, the process manager of MPICH, Intel MPI and MVAPICH2, and what their kinds have in common.
// Variables and options: its sources (src/pm/hydra in MPICH), `mpiexec.hydra --help`.

import type { Environment } from '../../environment/index.js';
import { count, countIfSet } from './count.js';
import type { Identity, Launch } from './kind.js';
import { unnamedStep } from './unnamed.js';

/** Its proxy: one process per node and job, and the ancestor of each of that node's ranks. */
export const hydraProcesses = ['hydra_pmi_proxy', 'pmi_proxy'];

/** srun --mpi=pmi2 sets PMI_RANK too, but not the local ones. With -pmi-port, the rank is told as PMI_ID. */
export const hydraVariables = ['PMI_RANK|PMI_ID', 'MPI_LOCALRANKID'];

/** Who a rank of Hydra is. */
export function identityOfHydra(launcher: string, env: Environment, host: string): Identity {
  // With -pmi-port, the size is told to those only who ask through the port.
  const rank = env.PMI_RANK === undefined ? 'PMI_ID' : 'PMI_RANK';
  return {
    launcher,
    rank: count(env, rank),
    size: countIfSet(env, 'PMI_SIZE'),
    localRank: count(env, 'MPI_LOCALRANKID'),
    localSize: count(env, 'MPI_LOCALNRANKS'),
    node: host,
    // Hydra has no job id.
    ...unnamedStep(launcher, hydraProcesses, env, host),
  };
}

const restricting = /^--?g?env(none|list)$/;

/**
 * Hydra passes everything on, unless it was told not to. What `-genv` names reaches all ranks in any case; a program's own
 * `-env` goes before it.
 *
 * @param setting  The variable that does what `-genvall` and `-genvnone` do.
 */
export function passOnByGenv(
  { args, env }: Launch,
  variables: readonly string[],
  setting = 'HYDRA_ENV',
): Launch {
  const restricted = (env[setting] ?? 'all') !== 'all' || args.some((word) => restricting.test(word));
  if (!restricted) return { args, env };
  const said = new Set(args.filter((_, i) => /^--?genv$/.test(args[i - 1] ?? '')));
  const added = variables.flatMap((name) => (said.has(name) ? [] : ['-genv', name, env[name] ?? '']));
  return { args: [...added, ...args], env };
}
