// Hydra, the process manager of MPICH, Intel MPI and MVAPICH2: what their launcher kinds share.
// Variables and options: its sources (src/pm/hydra in MPICH), `mpiexec.hydra --help`.

import type { Environment } from '../../environment/index.js';
import { count, countIfSet } from './count.js';
import type { Identity, Launch } from './kind.js';
import { unnamedStep } from './unnamed.js';

/** Hydra's proxy: one process for each node and job, and the ancestor of all ranks of that node. */
export const hydraProcesses = ['hydra_pmi_proxy', 'pmi_proxy'];

/** srun --mpi=pmi2 sets PMI_RANK too, but not the local variables. With -pmi-port, the rank is in PMI_ID. */
export const hydraVariables = ['PMI_RANK|PMI_ID', 'MPI_LOCALRANKID'];

/** The identity of a rank of Hydra. */
export function identityOfHydra(launcher: string, env: Environment, host: string): Identity {
  // With -pmi-port, Hydra gives the size only through the port.
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
 * Hydra passes all variables on, unless it was told not to. Variables that `-genv` names reach all ranks in
 * any case; a program's own `-env` takes precedence.
 *
 * @param setting  The variable that has the same effect as `-genvall` and `-genvnone`.
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
