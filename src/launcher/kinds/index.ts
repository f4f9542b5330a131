// The door of src/launcher/kinds: the table of launchers. To support another launcher, write a file like
// slurm.ts, and add a row here.

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
 * The launchers. A rank may have the variables of several launchers. If it cannot see which of them is above
 * it ({@link innermost}), the first in this table counts.
 *
 * A launcher that starts inside another launcher's job inherits the outer variables. So launchers that run
 * inside others come first. The built-in launcher and torchrun run inside any launcher. Instances of Flux are
 * started by any MPI, jsrun or srun, and Flux removes its own variables from what is started from its
 * allocations. jsrun sets Open MPI's variables in addition to its own. The MPIs come before Slurm: mpirun in
 * an allocation is common, and has outdated SLURM_* variables from the daemon that started the rank. PMIx
 * alone comes last, since most of the others contain it.
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

/** The commands of all launchers except the built-in one. */
export function launcherCommands(): string[] {
  const names = launcherKinds
    .filter(({ name }) => name !== 'local')
    .flatMap(({ commands, shared }) => [...commands, ...(shared?.commands ?? [])]);
  return [...new Set(names)];
}

/**
 * The identity of this process, or of another process below the same launcher; undefined if no launcher
 * started it.
 *
 * @param host  The name of its node, if the launcher's variables do not give it.
 * @param pid   The process; default: this one.
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
