// Running a command as if we were not there: its terminal, its signals, its exit status.

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { codeOf, messageOf } from '../../errors/index.js';
import { hasOtherBytes } from '../../environment/index.js';
import { signalNumber, signalOf } from './signals.js';

/** How a command ended. */
export interface Ending {
  /** Its exit status; 127 if there is no such command, 126 if it cannot be run, 128 + n if signal n ended it. */
  readonly status: number;
  /** The signal that ended it. */
  readonly signal: NodeJS.Signals | undefined;
  /** Why it could not be started. */
  readonly problem: string | undefined;
}

/** One command to run. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** The whole of its environment; what is undefined is left out. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether it reads our standard input; else it finds it empty. */
  readonly readsStdin: boolean;
  /** Open files of ours that become its standard output and standard error; it has ours by default. */
  readonly output?: { readonly stdout: number; readonly stderr: number };
  /** Open files of ours, beside the standard three, that it gets under the same numbers. */
  readonly inherited: readonly number[];
}

/** A running command, or several. */
export interface Running {
  /** Not there if it could not be started, or if it is several. */
  readonly pid?: number;
  readonly ending: Promise<Ending>;
  /** Sends it a signal; one that has ended gets none. */
  kill(signal: NodeJS.Signals): void;
}

/** How a command of such words and variables is started: by {@link start}, unless some are not UTF-8. */
export async function starterFor(
  words: readonly string[],
  env: Command['env'],
): Promise<(command: Command) => Running> {
  const texts = [...words, ...Object.entries(env).flat()];
  if (!texts.some((text) => text !== undefined && hasOtherBytes(text))) return start;
  const { startExactly } = await import('./run-exactly.js');
  return (command) => startExactly(command, { notStarted, endedBy });
}

/**
 * Starts a command; nothing of ours goes through a shell.
 *
 * With Node's own spawn, not execa: there is nothing to gather, to time or to clean up here, and importing execa takes as
 * long as Node takes to start.
 */
export function start({ file, args, env, ...files }: Command): Running {
  let child: ChildProcess;
  try {
    child = spawn(file, args, { env, stdio: stdioOf(files) });
  } catch (error) {
    // What exec(3) refuses at once (E2BIG), or the process limit (EAGAIN).
    return { ending: Promise.resolve(notStarted(error)), kill: () => undefined };
  }
  return {
    ...(child.pid === undefined ? {} : { pid: child.pid }),
    ending: endingOf(child),
    kill: (signal) => {
      child.kill(signal);
    },
  };
}

function stdioOf({
  readsStdin,
  output = { stdout: 1, stderr: 2 },
  inherited,
}: Pick<Command, 'readsStdin' | 'output' | 'inherited'>): StdioOptions {
  const stdio: (number | 'ignore')[] = [readsStdin ? 0 : 'ignore', output.stdout, output.stderr];
  for (const fd of inherited) {
    while (stdio.length < fd) stdio.push('ignore');
    stdio[fd] = fd;
  }
  return stdio;
}

function endingOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(notStarted(error));
    });
    child.on('exit', (code, signal) => {
      if (signal === null) resolve({ status: code ?? 0, signal: undefined, problem: undefined });
      else resolve({ status: 128 + signalNumber(signal), signal, problem: undefined });
    });
  });
}

/** How a command ends that cannot be started. */
function notStarted(error: unknown): Ending {
  const code = codeOf(error) ?? '';
  const signal = undefined;
  if (code === 'ENOENT') return { status: 127, signal, problem: 'command not found' };
  const why = /^E[A-Z0-9]+$/.test(code) ? code : messageOf(error);
  const problem = code === 'EACCES' ? 'permission denied' : `cannot be started: ${why}`;
  return { status: 126, signal, problem };
}

function endedBy(signal: number): Ending {
  return { status: 128 + signal, signal: signalOf(signal), problem: undefined };
}
