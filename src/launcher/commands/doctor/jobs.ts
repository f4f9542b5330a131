// Finds running jobs on this node, and says which of them share a topology.

import { descendantsOf } from '../../../channel/place/index.js';
import { formatAddress } from '../../../maps/index.js';
import { runningJobs } from '../running/jobs.js';
import { bytes, counted } from '../text.js';
import type { Finding } from './finding.js';

/** The part of a job, or of a job step, on this node. */
export interface SeenJob {
  readonly name: string;
  /** All its ranks. */
  readonly pids: readonly number[];
  /** The ranks that have adopted. */
  readonly sharing: readonly number[];
  readonly address: number | undefined;
  readonly length: number | undefined;
}

/**
 * The jobs of this user that run on this node.
 *
 * @param doctor  The pid of the doctor. A launcher may have started it as a rank; it and its descendants are
 *   not a job.
 */
export function sharingJobs(doctor: number): readonly SeenJob[] {
  const own = [doctor, ...descendantsOf([doctor])];
  return runningJobs().flatMap(({ name, ranks: all }) => {
    const ranks = all.filter(({ pid }) => !own.includes(pid));
    const mapping = ranks.find((rank) => rank.mapping !== undefined)?.mapping;
    const pids = ranks.map(({ pid }) => pid);
    const sharing = ranks.flatMap((rank) => (rank.mapping === undefined ? [] : [rank.pid]));
    return pids.length === 0
      ? []
      : [{ name, pids, sharing, address: mapping?.address, length: mapping?.length }];
  });
}

/** One finding for each job; one if there is none. */
export function describeJobs(jobs: readonly SeenJob[]): readonly Finding[] {
  const subject = 'job';
  if (jobs.length === 0) return [{ subject, level: 'ok', text: 'no job of yours is running here now' }];
  return jobs.map(({ name, pids, sharing, address, length }) => {
    const facts = { name, pids, sharing, address: address ?? null, length: length ?? null };
    const text =
      address === undefined || length === undefined
        ? `${name}: ${counted(pids.length, 'rank')}, and none shares a topology (pid ${listed(pids)})`
        : `${name}: ${sharing.length} of ${pids.length} ranks share ${bytes(length)} at ${formatAddress(address)} (pid ${listed(pids)})`;
    return { subject, level: 'ok', text, facts };
  });
}

function listed(pids: readonly number[]): string {
  return pids.length > 8 ? `${pids.slice(0, 6).join(', ')} and ${pids.length - 6} more` : pids.join(', ');
}
