// A rank's place in the rendezvous: its byte in the roll and the key of its channel, as far as its launcher tells.

import { fnv1a } from '../channel/place/index.js';
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
  /** Whether it tries to lead as soon as it arrives. Where no local ranks are told, nobody knows who has local rank 0. */
  readonly leadsAtOnce: boolean;
  /** A hash of the launcher's name for the step, where its variables tell it: ranks of two steps may meet in one channel. */
  readonly stepHash: string | undefined;
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
  const step = isOfWrapper && identity.isNamedByKeeper === true ? undefined : identity.step;
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
    leadsAtOnce: (localRank ?? 0) === 0,
    stepHash: step === undefined ? undefined : hashOf(step),
  };
}

function keyOfStep(step: string | undefined, job: string | undefined): string | undefined {
  return step === undefined || job === undefined ? step : `${job}.${step}`;
}

/** Six hex digits: enough to tell the few steps of one job apart, and short enough for a line that takes no room. */
export function hashOf(text: string): string {
  const hash = fnv1a(text);
  return ((hash ^ (hash >>> 24)) & 0xffffff).toString(16).padStart(6, '0');
}
