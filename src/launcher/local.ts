// The built-in launcher: N processes on this machine, with no MPI installed.

import type { LocalJob } from './command-line.js';
import { localVariables } from './kinds/index.js';
import { type Ending, type Running, start } from './run.js';
import { relaySignals } from './signals.js';

/** How long a rank that was told to end may take before it is killed: as Open MPI's second step. */
const graceMilliseconds = 2000;

/**
 * Runs the ranks and waits for all of them. As with srun, a rank that dies does not end the others, unless asked for.
 *
 * @param env  Added to the environment of every rank.
 * @returns the highest status of the ranks.
 */
export async function runLocal(job: LocalJob, env: Readonly<Record<string, string>>): Promise<Ending> {
  const ranks: Running[] = [];
  const tellAll = (signal: NodeJS.Signals) => {
    for (const rank of ranks) rank.kill(signal);
  };
  const stopRelaying = relaySignals(tellAll);

  let killer: NodeJS.Timeout | undefined;
  const endAll = () => {
    killer ??= setTimeout(tellAll, graceMilliseconds, 'SIGKILL');
    tellAll('SIGTERM');
  };
  for (let rank = 0; rank < job.ranks; rank++) {
    const running = start({
      file: job.program,
      args: job.args,
      env: { ...env, ...localVariables(rank, job.ranks) },
      readsStdin: rank === 0,
    });
    ranks.push(running);
    if (job.killOnBadExit) {
      void running.ending.then(({ status }) => {
        if (status !== 0) endAll();
      });
    }
  }

  const endings = await Promise.all(ranks.map((rank) => rank.ending));
  clearTimeout(killer);
  stopRelaying();
  const worst = endings.reduce((a, b) => (b.status > a.status ? b : a));
  // The launcher itself was not killed, whatever happened to a rank.
  return { ...worst, signal: undefined };
}
