// Random faults in random jobs, from a seed: FAULTS_JOBS of them (npm run test:faults -- --jobs 1000), FAULTS_SEED to replay one.
import { expect, test } from 'vitest';
import { leaderPoints, memberPoints } from '../../src/rank/points.js';
import { type BrokenJob, type Fault, runBroken } from './bench.js';
import { type Random, randomFrom } from './random.js';

const jobs = Number(process.env.FAULTS_JOBS ?? 40);
const seed = Number(process.env.FAULTS_SEED ?? Date.now() % 1_000_000_000);

test(`${jobs} jobs with random faults, seed ${seed}`, { timeout: jobs * 30_000 }, async () => {
  const figures = { jobs: 0, faults: 0, reached: 0, slowest: 0 };
  const failures: string[] = [];
  const run = async (number: number) => {
    // Each job has a seed of its own: to replay one, it is run alone.
    const own = seed + number;
    const job = randomJob(randomFrom(own));
    if (failures.length >= 5) return;
    const verdict = await runBroken(job);
    figures.jobs++;
    figures.faults += job.faults.length;
    figures.reached += verdict.done.length;
    const stopped = job.faults.some(({ act }) => act === 'stop');
    if (!stopped) figures.slowest = Math.max(figures.slowest, verdict.delay);
    if (verdict.wrong.length > 0) {
      const replay = `FAULTS_SEED=${own} FAULTS_JOBS=1`;
      failures.push(`${replay}: ${JSON.stringify(job)}\n${verdict.wrong.join('\n')}\n${verdict.stderr}`);
    }
  };
  await Promise.all(Array.from({ length: jobs }, (_, number) => run(number)));
  process.stdout.write(
    `seed ${seed}: ${figures.jobs} jobs, ${figures.faults} faults, of which ${figures.reached} were reached; ` +
      `slowest survivor ${figures.slowest} ms after a death; ${failures.length} failures\n`,
  );
  expect(failures).toEqual([]);
});

function randomJob(random: Random): BrokenJob {
  const ranks = random.oneOf([2, 3, 3, 4, 4]);
  const faults = Array.from({ length: random.oneOf([1, 1, 1, 2]) }, () => randomFault(random, ranks));
  const stops = faults.some(({ act }) => act === 'stop');
  return {
    ranks,
    faults,
    // A rank that is stopped is waited for; with all others nobody must come near the timeout.
    timeout: stops ? 1 : 30,
    delays: Array.from({ length: ranks }, () => random.oneOf([0, 0, random.below(50), random.below(400)])),
    afterwards: random.oneOf(['SIGKILL', 'SIGCONT']),
  };
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
