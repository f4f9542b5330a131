// The built-in launcher: N processes on this machine, without an MPI.

import type { LocalJob } from '../command-line/command-line.js';
import { descendantsOf } from '../../channel/place/index.js';
import { localVariables } from '../kinds/index.js';
import type { Command, Running } from './run.js';

/** How long a rank may take to end before it is killed: the same time as Open MPI's second step. */
const graceMilliseconds = 2000;

/**
 * Signals that end a process, or should. They go to all processes of a rank, as in srun: the rank may be a
 * shell script.
 */
const ending: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGKILL'];

/**
 * Starts the ranks. As in srun, the death of a rank does not end the others, unless asked for. The status is
 * the highest of all ranks.
 *
 * @param start   Starts a rank, by its number.
 * @param common  What each rank is started with, in addition to its number.
 */
export function startLocal(
  job: LocalJob,
  start: (rank: number, command: Command) => Running,
  common: Pick<Command, 'env' | 'inherited'>,
): Running {
  const ranks = Array.from({ length: job.ranks }, (_, rank) =>
    start(rank, {
      file: job.program,
      args: job.args,
      env: { ...common.env, ...localVariables(rank, job.ranks) },
      readsStdin: rank === 0,
      inherited: common.inherited,
    }),
  );
  const kill = (signal: NodeJS.Signals) => {
    const pids = ranks.flatMap(({ pid }) => pid ?? []);
    const below = ending.includes(signal) ? descendantsOf(pids) : [];
    for (const rank of ranks) rank.kill(signal);
    for (const pid of below) killIfThere(pid, signal);
  };

  let killer: NodeJS.Timeout | undefined;
  const endAll = () => {
    killer ??= setTimeout(kill, graceMilliseconds, 'SIGKILL');
    kill('SIGTERM');
  };
  if (job.killOnBadExit) {
    for (const rank of ranks) {
      void rank.ending.then(({ status }) => {
        if (status !== 0 && killer === undefined) endAll();
      });
    }
  }

  const all = Promise.all(ranks.map((rank) => rank.ending)).then((endings) => {
    clearTimeout(killer);
    const worst = endings.reduce((a, b) => (b.status > a.status ? b : a));
    // The launcher itself was not killed, even if a rank was.
    return { ...worst, signal: undefined };
  });
  return { ending: all, kill };
}

function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended since the check.
  }
}
