// Passes signals on to the launcher if they reach only this process. If the whole job has already got a
// signal, it is not passed on.

import { constants } from 'node:os';

/**
 * Signals that a user or a batch system sends to end, interrupt or notify a job. (A handler for USR1 also
 * keeps Node's debugger from starting.)
 */
const relayed: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

/**
 * Calls `pass` for each signal that reaches only this process, and keeps the signal from ending this process.
 *
 * The distinction matters: a second signal makes Open MPI's mpirun leave at once, without waiting for its
 * ranks.
 *
 * @param hasGroupHad  Whether a signal has also reached the launcher: from the keys of a terminal, or from a
 *   shell's `kill %1`.
 * @returns a function that ends this.
 */
export function relaySignals(
  hasGroupHad: (signal: NodeJS.Signals) => Promise<boolean>,
  pass: (signal: NodeJS.Signals) => void,
): () => void {
  const handler = (signal: NodeJS.Signals) => {
    void hasGroupHad(signal).then((had) => {
      if (!had) pass(signal);
    });
  };
  for (const signal of relayed) process.on(signal, handler);
  return () => {
    for (const signal of relayed) process.off(signal, handler);
  };
}

/** The number of a signal, for a status of 128 + n. */
export function signalNumber(signal: NodeJS.Signals): number {
  return constants.signals[signal];
}

/** The name of a signal; undefined for a signal without one (SIGRTMIN and above). */
export function signalOf(number: number): NodeJS.Signals | undefined {
  const names = Object.keys(constants.signals) as NodeJS.Signals[];
  return names.find((name) => constants.signals[name] === number);
}

/**
 * Ends this process by the signal that ended the launcher, so that its parent sees the same ending.
 *
 * If that signal would make this process leave a core file, it exits with the status that a shell would show.
 */
export function endBy(signal: NodeJS.Signals): void {
  if (signal === 'SIGPIPE') {
    // Node ignores this signal by default. Adding and removing a handler restores the system's default.
    const handler = () => undefined;
    process.on(signal, handler).off(signal, handler);
  }
  if (!leavesCore.includes(signal)) process.kill(process.pid, signal);
  process.exitCode = 128 + signalNumber(signal);
}

const leavesCore: readonly NodeJS.Signals[] = [
  'SIGQUIT',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGSEGV',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGSYS',
];
