// Stopping and going on with the launcher: at Ctrl-Z, and when told to by a signal.

import { statOf } from '../../channel/place/index.js';
import type { Bystander } from './bystander.js';

/** How long a launcher may take to stop, in milliseconds: it may have ranks to tell. */
const patience = 500;
const lookEvery = 10;

/**
 * Stops this process when the launcher stops, and only then: a shell takes the terminal back as soon as we do, and Open MPI's mpirun, for
 * one, stops its ranks and stays in the foreground itself. (The built-in launcher stops as any process does.)
 *
 * @param bystander  Knows whether a signal has reached the launcher as it has reached us.
 * @param pass       Sends the launcher a signal.
 */
export function stopWith(
  launcher: number,
  bystander: Bystander,
  pass: (signal: NodeJS.Signals) => void,
): void {
  const onStop = () => {
    void bystander.hasHad('SIGTSTP').then(async (had) => {
      if (!had) pass('SIGTSTP');
      const stops = await stopsSoon(launcher);
      if (!stops) return;
      // Without a handler of ours, the signal does what it does to anybody.
      process.off('SIGTSTP', onStop);
      process.kill(process.pid, 'SIGTSTP');
      process.on('SIGTSTP', onStop);
    });
  };
  process.on('SIGTSTP', onStop);
  process.on('SIGCONT', () => {
    bystander.goOn();
    // A launcher that runs has had it, or needs it not. PRRTE sends it to its own process group, and takes a second one amiss: it then ends
    // the group, and the script that started us with it.
    if (isStopped(launcher)) pass('SIGCONT');
  });
}

async function stopsSoon(pid: number): Promise<boolean> {
  for (let waited = 0; waited < patience; waited += lookEvery) {
    if (isStopped(pid)) return true;
    await new Promise((resolve) => setTimeout(resolve, lookEvery));
  }
  return false;
}

function isStopped(pid: number): boolean {
  return statOf(pid)?.state === 'T';
}
