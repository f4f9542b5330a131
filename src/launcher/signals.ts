// Signals: passed on when they reach us alone, left alone when the whole job has had them already.

import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

/** What a user or a batch system sends to end, interrupt or notify a job. (Handlers for USR1 keep Node's debugger out.) */
const relayed: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

/** What the keys of a terminal send, to all processes of its foreground group: to us and to the launcher alike. */
const fromKeys: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT'];

/**
 * Calls `pass` for each signal that reaches this process alone, and keeps it from ending this process.
 *
 * That matters: to Open MPI's mpirun, a second signal means to leave at once, and the ranks to themselves.
 *
 * @returns a function that ends this.
 */
export function relaySignals(pass: (signal: NodeJS.Signals) => void): () => void {
  const before = terminal();
  const handler = (signal: NodeJS.Signals) => {
    if (fromKeys.includes(signal) && terminal().isForeground) return;
    // A terminal that is closed is taken from us first. Then its foreground group, or a shell its jobs, is told.
    if (signal === 'SIGHUP' && before.isThere && !terminal().isThere) return;
    pass(signal);
  };
  for (const signal of relayed) process.on(signal, handler);
  return () => {
    for (const signal of relayed) process.off(signal, handler);
  };
}

/** Whether the keys of a terminal, and what a shell does to its jobs, reach the launcher as they reach us. */
export function isInForeground(): boolean {
  return terminal().isForeground;
}

/** The number of a signal, for a status of 128 + n. */
export function signalNumber(signal: NodeJS.Signals): number {
  return constants.signals[signal];
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

/**
 * Whether this process has a terminal, and whether its process group is the one that the keys of it act on: then the
 * launcher, which is in it too, has had the signal. Who sent a signal, Node does not tell.
 *
 * @see proc(5), /proc/self/stat: fields 5 (pgrp), 7 (tty_nr), 8 (tpgid)
 */
function terminal(): { isThere: boolean; isForeground: boolean } {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [group, number, foreground] = [fields[2], fields[4], fields[5]];
  return { isThere: number !== '0', isForeground: number !== '0' && group === foreground };
}
