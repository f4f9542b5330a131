// Signals: passed on when they reach us alone, left alone when the whole job has had them already.

import { constants } from 'node:os';

/** What a user or a batch system sends to end, interrupt or notify a job. (Handlers for USR1 keep Node's debugger out.) */
const relayed: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

/**
 * Calls `pass` for each signal that reaches this process alone, and keeps it from ending this process.
 *
 * That matters: to Open MPI's mpirun, a second signal means to leave at once, and the ranks to themselves.
 *
 * @param hasGroupHad  Whether a signal has reached the launcher as it has reached us: by the keys of a terminal, or a shell's `kill %1`.
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

/** The name of a signal; undefined for one that has none (SIGRTMIN and above). */
export function signalOf(number: number): NodeJS.Signals | undefined {
  const names = Object.keys(constants.signals) as NodeJS.Signals[];
  return names.find((name) => constants.signals[name] === number);
}

/**
 * Ends this process by the same signal that ended the launcher, so that whoever waits for us sees the same.
 *
 * Where that signal would leave a core file of ours, the status that a shell would show has to do.
 */
export function endBy(signal: NodeJS.Signals): void {
  if (signal === 'SIGPIPE') {
    // Node ignores it. Where a handler has come and gone, the default is back.
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
