// The door of src/launcher/kinds: the table of launchers. Supporting another one is a file like slurm.ts, and a row here.

import type { Environment } from '../../environment/index.js';
import type { Identity, LauncherKind } from './kind.js';
import { local } from './local.js';
import { mpich } from './mpich.js';
import { openmpi } from './openmpi.js';
import { slurm } from './slurm.js';

export { IdentityError } from './count.js';
export type { Identity, LauncherKind } from './kind.js';
export { localVariables } from './local.js';
export { recognise } from './recognise.js';

/**
 * The launchers, in the order in which a rank asks whose it is.
 *
 * A launcher that starts inside another's job inherits that one's variables. The built-in launcher comes first: it is mostly
 * started from an interactive srun or in an allocation, hardly ever above an mpirun. The MPIs come before Slurm, since
 * mpirun in an allocation is the common case, and carries stale SLURM_* variables of the daemon that started the rank.
 */
export const launcherKinds: readonly LauncherKind[] = [local, openmpi, mpich, slurm];

/** Who this process is; undefined if no launcher started it. @throws IdentityError */
export function identify(env: Environment): Identity | undefined {
  for (const kind of launcherKinds) {
    const identity = kind.identify(env);
    if (identity !== undefined) return identity;
  }
  return undefined;
}
