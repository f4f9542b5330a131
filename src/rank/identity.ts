// A rank's place in the rendezvous: its byte in the roll and the key of its channel, as far as its launcher tells.

import type { Identity } from '../launcher/kinds/index.js';

/** A rank that can meet the others of its node. */
export interface RankIdentity extends Pick<
  Identity,
  'launcher' | 'rank' | 'size' | 'localSize' | 'node' | 'step'
> {
  /** The number of its byte: the local rank or, where the launcher tells none, the rank. */
  readonly localRank: number;
  /** The name of its channel. */
  readonly key: string;
  /** The step and the name of its own channel, where {@link key} is the wrapper's and another step may have it. */
  readonly own: { readonly step: string; readonly key: string } | undefined;
  /** Whether it tries to lead as soon as it arrives. Where no local ranks are told, nobody knows who has local rank 0. */
  readonly leadsAtOnce: boolean;
}

/**
 * The place of a rank; or why it can meet nobody.
 *
 * @param job       The wrapper's name for the job.
 * @param launcher  The one launcher that the wrapper started, if it did.
 */
export function rankIdentity(
  identity: Identity | undefined,
  job: string | undefined,
  launcher: string | undefined,
): RankIdentity | string {
  if (identity === undefined) return 'no launcher started this process: it is alone';
  const { rank, size, localRank, localSize, node } = identity;
  const isOfWrapper = job !== undefined && launcher === identity.launcher;
  // To find the process that names a step takes as long as all else here: not where the wrapper has named the job.
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

/** A launcher may run in a rank of another one of its kind, which the wrapper started. Its variables tell, if they name the step. */
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
