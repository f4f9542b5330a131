// The identity of a rank: its byte in the roll and the key of its channel, from what its launcher tells.

import type { Identity } from '../launcher/kinds/index.js';

/** A rank that can meet the other ranks of its node. */
export interface RankIdentity extends Pick<
  Identity,
  'launcher' | 'rank' | 'size' | 'localSize' | 'node' | 'step'
> {
  /** The number of its byte: the local rank. If the launcher tells no local rank: the rank. */
  readonly localRank: number;
  /** The key of its channel. */
  readonly key: string;
  /**
   * The step, and the key of the step's own channel. Set if {@link key} is the wrapper's, and another step
   * may have the same key.
   */
  readonly own: { readonly step: string; readonly key: string } | undefined;
  /**
   * Whether it tries to lead as soon as it arrives. True for local rank 0, and for all ranks if the launcher
   * tells no local ranks.
   */
  readonly leadsAtOnce: boolean;
}

/**
 * The identity of a rank; or the reason why it cannot meet other ranks.
 *
 * @param job       The wrapper's name for the job.
 * @param launcher  The launcher that the wrapper started; undefined if there is none, or if a script starts
 *   the launchers.
 */
export function rankIdentity(
  identity: Identity | undefined,
  job: string | undefined,
  launcher: string | undefined,
): RankIdentity | string {
  if (identity === undefined) return 'no launcher started this process: it is alone';
  const { rank, size, localRank, localSize, node } = identity;
  const isOfWrapper = job !== undefined && launcher === identity.launcher;
  // Finding the process that names a step takes as long as everything else here. So this is skipped if the
  // wrapper has named the job.
  const step = isOfWrapper && identity.isNamedByProcess === true ? undefined : identity.step;
  const key = isOfWrapper ? `${job}@${node}` : keyOfStep(step, job);
  if (key === undefined) {
    return (
      `${identity.launcher} does not name its jobs, and the process that would do cannot be seen from this container; ` +
      `hwloc-share in front of the launcher gives them names`
    );
  }
  return {
    launcher: identity.launcher,
    rank,
    size,
    localRank: localRank ?? rank,
    localSize,
    node,
    step,
    key,
    own: isOfWrapper ? ownChannel(identity, job) : undefined,
    leadsAtOnce: (localRank ?? 0) === 0,
  };
}

/**
 * The step's own channel. A launcher may run in a rank of another launcher of the same kind, which the
 * wrapper started. The variables show this only if they name the step.
 */
function ownChannel(
  { launcher, node, step, isNamedByProcess }: Identity,
  job: string,
): { step: string; key: string } | undefined {
  const isNamed = step !== undefined && isNamedByProcess !== true && step !== `${launcher}@${node}`;
  return isNamed ? { step, key: `${job}.${step}` } : undefined;
}

function keyOfStep(step: string | undefined, job: string | undefined): string | undefined {
  return step === undefined || job === undefined ? step : `${job}.${step}`;
}
