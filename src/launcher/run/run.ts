// Runs a command as if the wrapper were not there: same terminal, signals and exit status.

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
  /** Why it could not be started; undefined if it was. */
  readonly problem: string | undefined;
}

/** One command to run. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Its whole environment. Undefined values are left out. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether it reads this process's standard input; otherwise its standard input is empty. */
  readonly readsStdin: boolean;
  /** Open files that become its standard output and standard error. Default: those of this process. */
  readonly output?: { readonly stdout: number; readonly stderr: number };
  /** Open files, other than the standard three, that it gets under the same numbers. */
  readonly inherited: readonly number[];
}

/** A running command, or several. */
export interface Running {
  /** Undefined if it could not be started, or if there are several commands. */
  readonly pid?: number;
  readonly ending: Promise<Ending>;
  /** Sends it a signal, unless it has ended. */
  kill(signal: NodeJS.Signals): void;
}

/**
 * The function that starts a command with such words and variables: {@link start}, unless some of them are
 * not UTF-8.
 */
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
 * Starts a command, without a shell.
 *
 * With Node's own spawn, not execa: there is no output to collect, no time limit and nothing to clean up, and
 * importing execa takes as long as starting Node.
 */
export function start({ file, args, env, ...files }: Command): Running {
  let child: ChildProcess;
  try {
    child = spawn(file, args, { env, stdio: stdioOf(files) });
  } catch (error) {
    // exec(3) refused at once (E2BIG), or there are too many processes (EAGAIN).
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

/** The ending of a command that cannot be started. */
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
