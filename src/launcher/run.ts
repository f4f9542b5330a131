// Running a command as if we were not there: its terminal, its signals, its exit status.

import { execa } from 'execa';
import { relaySignals, signalNumber } from './signals.js';

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
  /** Added to our own environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether it reads our standard input; else it finds it empty. */
  readonly readsStdin: boolean;
}

/** A running command. */
export interface Running {
  readonly ending: Promise<Ending>;
  /** Sends it a signal; one that has ended gets none. */
  kill(signal: NodeJS.Signals): void;
}

/** Starts a command; nothing of ours goes through a shell. */
export function start({ file, args, env, readsStdin }: Command): Running {
  const child = execa(file, args, {
    env,
    stdin: readsStdin ? 'inherit' : 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
    reject: false,
    buffer: false,
    // The launcher decides when a job ends, not our own end.
    cleanup: false,
    forceKillAfterDelay: false,
  });
  return {
    ending: child.then(endingOf),
    kill: (signal) => {
      child.kill(signal);
    },
  };
}

/** Runs a command to its end, and passes on the signals that reach us alone. */
export async function run(command: Command): Promise<Ending> {
  const running = start(command);
  const stopRelaying = relaySignals((signal) => {
    running.kill(signal);
  });
  const ending = await running.ending;
  stopRelaying();
  return ending;
}

interface ExecaEnding {
  readonly exitCode?: number | undefined;
  readonly signal?: NodeJS.Signals | undefined;
  readonly code?: string | undefined;
  readonly originalMessage?: string | undefined;
}

function endingOf({ exitCode, signal, code, originalMessage }: ExecaEnding): Ending {
  if (signal !== undefined) return { status: 128 + signalNumber(signal), signal, problem: undefined };
  if (exitCode !== undefined) return { status: exitCode, signal: undefined, problem: undefined };
  const status = code === 'ENOENT' ? 127 : 126;
  return {
    status,
    signal: undefined,
    problem: status === 127 ? 'command not found' : (originalMessage ?? code ?? ''),
  };
}
