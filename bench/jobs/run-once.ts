// One run of one contender: start the job, hold its ranks, let them go, gather what they tell.

import { startJob } from '../../test/support/job.js';
import type { Contender, Setting } from './contenders.js';
import { Gates, type Step } from './gates.js';
import type { Input } from './inputs.js';
import { type Run, readRanks, timesOf } from './results.js';

/** Open MPI's mpirun hangs now and then when many ranks exit at once: so long is it given, in ms, when all is told. */
const endLimit = 5000;

/** What to run. */
export interface Case {
  readonly input: Input;
  readonly ranks: number;
  readonly memory?: boolean;
}

/**
 * Runs a contender once.
 *
 * @param limit  Milliseconds after which the job is killed.
 * @returns undefined where what it takes is not there.
 * @throws Error  if the job fails, or takes too long.
 */
export async function runOnce(
  setting: Setting,
  contender: Contender,
  wanted: Case,
  limit: number,
): Promise<Run | undefined> {
  const { input, memory = false } = wanted;
  const ranks = contender.ranks ?? wanted.ranks;
  const steps: Step[] = memory ? ['join', 'walk', 'tell'] : ['join', 'tell'];
  const gates = new Gates(steps);
  const killer = new AbortController();
  try {
    const command = contender.command(setting, { input, ranks, folder: gates.folder, memory });
    if (command === undefined) return undefined;
    const job = startJob(command.words, { env: command.env, timeoutMs: limit, signal: killer.signal });
    const failed = job.result.then(({ exitCode, stdout, stderr }) => {
      throw new Error(`ended with ${exitCode} before its time: ${`${stdout}${stderr}`.slice(-2000)}`);
    });
    failed.catch(() => undefined);
    await Promise.race([gates.untilReady(ranks), failed]);
    for (const step of steps.slice(0, -1)) await Promise.race([gates.pass(step), failed]);
    await gates.pass('tell');

    const ending = setTimeout(() => {
      killer.abort();
    }, endLimit);
    const ended = await job.result.catch(() => undefined);
    clearTimeout(ending);
    const told = readRanks(gates.folder, ranks);
    const strays = told.filter(({ how }) => how !== contender.how).length;
    return { ...timesOf(told), wall: ended?.durationMs, ranks: told, strays, said: ended?.stderr ?? '' };
  } finally {
    killer.abort();
    gates.dispose();
  }
}
