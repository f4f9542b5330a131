// Random faults in random jobs, from a seed: until FAULTS_JOBS of them had a fault (npm run test:faults -- --jobs 1000), FAULTS_SEED to
// replay one.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Slurm, startSlurm } from '../launchers/slurm.js';
import { findCommand } from '../support/commands.js';
import { launcherPrograms } from '../support/jobs.js';
import { type BrokenJob, type Verdict, runBroken, wrongs } from './bench.js';
import { randomJob } from './random-jobs.js';

const wanted = Number(process.env.FAULTS_JOBS ?? 40);
const seed = Number(process.env.FAULTS_SEED ?? Date.now() % 1_000_000_000);
const atOnce = Number(process.env.FAULTS_AT_ONCE ?? 3);
/** Nearly all jobs come to the point at which something is to happen to them. */
const mostJobs = 2 * wanted + 10;
const mostFailures = 10;

interface Judged {
  job: BrokenJob;
  verdict: Verdict;
}

let slurm: Slurm | undefined;

beforeAll(async () => {
  const isInstalled = launcherPrograms.slurm.every((program) => findCommand(program) !== undefined);
  if (isInstalled) slurm = await startSlurm();
});
afterAll(() => slurm?.stop());

test(`${wanted} jobs with random faults, seed ${seed}`, { timeout: mostJobs * 30_000 }, async () => {
  const judged: Judged[] = [];
  const failures: string[] = [];
  let started = 0;
  let atWork = 0;
  const hits = () => judged.filter(({ verdict }) => verdict.done.length > 0).length;
  const worker = async () => {
    while (hits() + atWork < wanted && started < mostJobs && failures.length < mostFailures) {
      // To replay a job, it is run alone.
      const own = seed + started++;
      const job = randomJob(own, slurm?.env);
      atWork++;
      const verdict = await runBroken(job);
      atWork--;
      judged.push({ job, verdict });
      if (verdict.wrong.length > 0) failures.push(tell(own, job, verdict));
      if (judged.length % 100 === 0) process.stdout.write(`${judged.length} jobs, ${hits()} with a fault\n`);
    }
  };
  // A job that came to no fault makes room for another one, when all the others may be through.
  while (hits() < wanted && started < mostJobs && failures.length < mostFailures) {
    await Promise.all(Array.from({ length: atOnce }, worker));
  }
  process.stdout.write(`${sum(judged, hits())}\n`);
  expect(failures).toEqual([]);
  expect(hits()).toBe(wanted);
});

function tell(own: number, job: BrokenJob, { wrong, done, stderr }: Verdict): string {
  const { ranks, faults, timeout, delays, afterwards, launcher } = job;
  const by = launcher === undefined ? 'local' : 'srun';
  const what = { by, ranks, faults, timeout, delays, afterwards };
  const lines = [
    `npm run test:faults -- --seed ${own} --jobs 1: ${JSON.stringify(what)}`,
    ...wrong.map(({ kind, text }) => `${kind}: ${text}`),
    JSON.stringify(done),
    stderr,
  ];
  const text = lines.join('\n');
  process.stdout.write(`${text}\n`);
  return text;
}

function sum(judged: readonly Judged[], hits: number): string {
  const faults = judged.flatMap(({ verdict }) => verdict.done);
  const kinds = countsOf(faults.map(({ act, to }) => (to === undefined ? act : `${act} the ${to}`)));
  const points = new Set(faults.map(({ point }) => point));
  const wrong = judged.flatMap(({ verdict }) => verdict.wrong);
  const of = wrongs.map((kind) => `${kind} ${wrong.filter((each) => each.kind === kind).length}`);
  // Whoever is stopped is waited for, as long as the timeout says.
  const plain = judged.filter(({ job }) => job.faults.every(({ act }) => act !== 'stop'));
  const slowest = Math.max(0, ...plain.map(({ verdict }) => verdict.delay));
  return [
    `seed ${seed}: ${judged.length} jobs, ${hits} of them with a fault; by srun: ${judged.filter(({ job }) => job.launcher).length}`,
    `faults: ${faults.length}, at ${points.size} points: ${kinds}`,
    `wrong: ${of.join(', ')}`,
    `outcomes: ${countsOf(judged.flatMap(({ verdict }) => verdict.told.map(({ outcome }) => outcome.how)))}`,
    `slowest survivor after a fault: ${slowest} ms`,
  ].join('\n');
}

function countsOf(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${word} ${count}`).join(', ');
}
