// Names the steps of launchers that do not name their jobs, after their process on this node: each job has
// one.

import { seesEveryProcess } from '../../channel/place/index.js';
import type { Environment } from '../../environment/index.js';
import { launcherIfSeen, startOf } from './ancestor.js';
import type { Identity } from './kind.js';

/**
 * The step of such a launcher.
 *
 * A container may hide the launcher's process. Then the wrapper's name for the job is used, but only if the
 * wrapper started this launcher itself: a script behind the wrapper may start several launchers, whose ranks
 * must not meet.
 *
 * @param processes  The beginnings of the names of the launcher's process on a node.
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
