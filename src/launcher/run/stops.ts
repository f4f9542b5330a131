// Stops and continues this process together with the launcher: at Ctrl-Z, and by signals.

import { statOf } from '../../channel/place/index.js';
import type { Bystander } from './bystander.js';

/** Milliseconds that a launcher may take to stop: it may have to tell its ranks first. */
const patience = 500;
const lookEvery = 10;

/**
 * Stops this process when the launcher stops, and only then. A shell takes the terminal back as soon as this
 * process stops, but Open MPI's mpirun, for example, stops its ranks and stays in the foreground itself. (The
 * built-in launcher stops like any process.)
 *
 * @param bystander  Knows whether a signal has also reached the launcher.
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
      // Without this handler, the signal has its default effect.
      process.off('SIGTSTP', onStop);
      process.kill(process.pid, 'SIGTSTP');
      process.on('SIGTSTP', onStop);
    });
  };
  process.on('SIGTSTP', onStop);
  process.on('SIGCONT', () => {
    bystander.goOn();
    // A launcher that is running has already got the signal, or does not need it. PRRTE sends it to its own
    // process group. If PRRTE gets it a second time, PRRTE ends the group, and with it the script that
    // started this process.
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
