// The door of src/launcher/kinds: the table of launchers. Supporting another one is a file like slurm.ts, and a row here.

import { type Environment, hostName } from '../../environment/index.js';
import { alps } from './alps.js';
import { IdentityError } from './count.js';
import { flux } from './flux.js';
import { innermost } from './innermost.js';
import { intelmpi } from './intelmpi.js';
import { jsm } from './jsm.js';
import type { Identity, LauncherKind } from './kind.js';
import { local } from './local.js';
import { mpich } from './mpich.js';
import { mvapich2 } from './mvapich2.js';
import { openmpi } from './openmpi.js';
import { pals } from './pals.js';
import { pmix } from './pmix.js';
import { slurm } from './slurm.js';
import { torchrun } from './torchrun.js';

export { IdentityError };
export type { Identity, Launch, LauncherKind } from './kind.js';
export { localVariables } from './local.js';
export { executable, recognise } from './recognise.js';
export { isWithoutValue } from './srun-options.js';

/**
 * The launchers. Where a rank has the variables of several and cannot see which of them is above it ({@link innermost}), the first counts.
 *
 * A launcher that starts inside another's job inherits that one's variables. So those come first that are started from others:
 * the built-in launcher and torchrun, as programs of any; Flux, whose instances are started by any MPI, jsrun or srun, and which
 * takes its own variables out of what is started from its allocations; jsrun, which sets Open MPI's variables beside its own. The MPIs
 * come before Slurm, since mpirun in an allocation is the common case, and carries stale SLURM_* variables of the daemon that
 * started the rank. PMIx alone comes last: most of the others have it inside.
 */
export const launcherKinds: readonly LauncherKind[] = [
  local,
  torchrun,
  flux,
  jsm,
  openmpi,
  pals,
  intelmpi,
  mpich,
  mvapich2,
  alps,
  slurm,
  pmix,
];

/** The commands of all launchers but the built-in one. */
export function launcherCommands(): string[] {
  const names = launcherKinds
    .filter(({ name }) => name !== 'local')
    .flatMap(({ commands, shared }) => [...commands, ...(shared?.commands ?? [])]);
  return [...new Set(names)];
}

/**
 * Who this process is, or another one below the same launcher; undefined if no launcher started it.
 *
 * @param host  The name of its node, where the launcher's variables do not tell it.
 * @param pid   The process, if it is not this one.
 * @throws IdentityError
 */
export function identify(env: Environment, host = hostName(), pid?: number): Identity | undefined {
  const [first, ...others] = launcherKinds.filter((kind) => isSetIn(kind, env));
  if (first === undefined) return undefined;
  const kind = others.length === 0 ? first : innermost([first, ...others], env, pid);
  const identity = kind.identify(env, host);
  const { localRank, localSize } = identity;
  if (localRank !== undefined && localSize !== undefined && localRank >= localSize) {
    throw new IdentityError('local rank', String(localRank), `a number below ${localSize} was expected`);
  }
  return identity;
}

function isSetIn({ variables, isOthers }: LauncherKind, env: Environment): boolean {
  return (
    variables.every((names) => names.split('|').some((name) => env[name] !== undefined)) &&
    isOthers?.(env) !== true
  );
}
