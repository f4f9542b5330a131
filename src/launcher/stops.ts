// Stopping and going on with the launcher: at Ctrl-Z, and when told to by a signal.

import { statOf } from '../channel/place/index.js';
import { isInForeground } from './signals.js';

/** How long a launcher may take to stop, in milliseconds: it may have ranks to tell. */
const patience = 500;
const lookEvery = 10;

/**
 * Stops this process when the launcher stops, and only then: a shell takes the terminal back as soon as we do, and Open MPI's mpirun, for
 * one, stops its ranks and stays in the foreground itself. (The built-in launcher stops as any process does.)
 *
 * @param pass  Sends the launcher a signal.
 */
export function stopWith(launcher: number, pass: (signal: NodeJS.Signals) => void): void {
  const passOn = (signal: NodeJS.Signals) => {
    // The keys of a terminal, and a shell's fg, reach the launcher as well.
    if (!isInForeground()) pass(signal);
  };
  const onStop = () => {
    passOn('SIGTSTP');
    void stopsSoon(launcher).then((stops) => {
      if (!stops) return;
      // Without a handler of ours, the signal does what it does to anybody.
      process.off('SIGTSTP', onStop);
      process.kill(process.pid, 'SIGTSTP');
      process.on('SIGTSTP', onStop);
    });
  };
  process.on('SIGTSTP', onStop);
  process.on('SIGCONT', passOn);
}

async function stopsSoon(pid: number): Promise<boolean> {
  for (let waited = 0; waited < patience; waited += lookEvery) {
    if (statOf(pid)?.state === 'T') return true;
    await new Promise((resolve) => setTimeout(resolve, lookEvery));
  }
  return false;
}
