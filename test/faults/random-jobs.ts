// Jobs with random faults, each from a seed of its own, so that one can be run again.
import { leaderPoints, memberPoints } from '../../src/rank/report/trace-points.js';
import { launcherCommands } from '../support/jobs.js';
import type { BrokenJob, Fault } from './bench.js';
import { type Random, randomFrom } from './random.js';

/** @param slurm  The variables by which srun finds a Slurm; without, the built-in launcher starts every job. */
export function randomJob(seed: number, slurm: Record<string, string> | undefined): BrokenJob {
  const random = randomFrom(seed);
  const ranks = random.oneOf([2, 3, 3, 4, 4]);
  const faults = Array.from({ length: random.oneOf([1, 1, 1, 2]) }, () => randomFault(random, ranks));
  const stops = faults.some(({ act }) => act === 'stop');
  const job: BrokenJob = {
    ranks,
    faults,
    // A rank that is stopped is waited for; with all others nobody must come near the timeout.
    timeout: stops ? 1 : 30,
    delays: Array.from({ length: ranks }, () => random.oneOf([0, 0, random.below(50), random.below(400)])),
    afterwards: random.oneOf(['SIGKILL', 'SIGCONT']),
  };
  // The one real launcher that leaves the other ranks alone when one of them dies.
  const bySlurm = random.below(8) === 0;
  return bySlurm && slurm !== undefined ? { ...job, launcher: launcherCommands.slurm, env: slurm } : job;
}

function randomFault(random: Random, ranks: number): Fault {
  const rank = random.below(ranks);
  const point = random.oneOf<string>(rank === 0 ? leaderPoints : memberPoints);
  const to = random.oneOf<'rank' | 'wrapper'>(['rank', 'rank', 'rank', 'rank', 'wrapper']);
  if (to === 'wrapper') return { rank, point, to, act: random.oneOf<Fault['act']>(['kill', 'stop']) };
  return {
    rank,
    point,
    act: random.oneOf<Fault['act']>(['kill', 'kill', 'exit', 'stop', 'terminate', 'take']),
  };
}
