// Launchers that do not name their jobs: what stands for the name is their process on this node, one per job.

import { seesEveryProcess } from '../../channel/place/index.js';
import type { Environment } from '../../environment/index.js';
import { launcherIfSeen, startOf } from './ancestor.js';
import type { Identity } from './kind.js';

/**
 * The step of such a launcher.
 *
 * A container may hide that process. Then the wrapper's name for the job has to do, if it was this launcher that the wrapper started:
 * a script behind the wrapper may start several, whose ranks must not meet.
 *
 * @param processes  How the names of the launcher's process on a node begin.
 */
export function unnamedStep(
  launcher: string,
  processes: readonly string[],
  env: Environment,
  host: string,
): Pick<Identity, 'step' | 'isNamedByProcess'> {
  const seen = launcherIfSeen(processes);
  if (seen !== undefined || seesEveryProcess()) {
    const pid = seen ?? process.ppid;
    return { step: `${launcher}-${pid}-${startOf(pid)}@${host}`, isNamedByProcess: true };
  }
  const isTheWrappers = env.HWLOC_SHARE_JOB !== undefined && env.HWLOC_SHARE_LAUNCHER === launcher;
  return { step: isTheWrappers ? `${launcher}@${host}` : undefined };
}
