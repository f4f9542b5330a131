// Runs a command whose words or variables are not UTF-8. Such commands are rare, so this is loaded only for
// them.

import { codeOf } from '../../errors/index.js';
import { type ProcessEnd, endOf, spawnExactly } from '../../libc/index.js';
import { bytesOf } from '../../environment/index.js';
import { executable } from '../kinds/index.js';
import type { Command, Ending, Running } from './run.js';

/** Milliseconds between checks: a process may end without a signal that this process sees. */
const lookEvery = 1000;

/** Functions to call when a process ends, by its pid. */
const waiting = new Map<number, (end: ProcessEnd) => void>();
let timer: NodeJS.Timeout | undefined;

/**
 * Functions of `run.ts` about endings. Not imported: the bundler would put code that two scripts import into
 * another file, which each job's start would read.
 */
interface Endings {
  readonly notStarted: (error: unknown) => Ending;
  readonly endedBy: (signal: number) => Ending;
}

/** Starts a command with its exact bytes; otherwise like {@link start}. */
export function startExactly(command: Command, { notStarted, endedBy }: Endings): Running {
  let pid: number;
  try {
    pid = spawn(command);
  } catch (error) {
    return { ending: Promise.resolve(notStarted(error)), kill: () => undefined };
  }
  return {
    pid,
    ending: new Promise((resolve) => {
      waiting.set(pid, ({ status, signal }) => {
        resolve(signal === undefined ? { status: status ?? 0, signal, problem: undefined } : endedBy(signal));
      });
      if (timer === undefined) process.on('SIGCHLD', look);
      // The timer also keeps this process alive, which a signal handler does not.
      timer ??= setInterval(look, lookEvery);
      look();
    }),
    kill: (signal) => {
      if (waiting.has(pid)) process.kill(pid, signal);
    },
  };
}

function spawn(command: Command): number {
  try {
    return spawnAs(command, [command.file, ...command.args]);
  } catch (error) {
    // A script whose first line names no interpreter: run with sh, as execvp(3) does.
    const file = codeOf(error) === 'ENOEXEC' ? executable(command.file, command.env.PATH ?? '') : undefined;
    if (file === undefined) throw error;
    return spawnAs({ ...command, file: '/bin/sh' }, ['/bin/sh', file, ...command.args]);
  }
}

function spawnAs({ file, env, ...files }: Command, words: readonly string[]): number {
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [bytesOf(`${name}=${value}`)],
  );
  const { readsStdin, output, inherited } = files;
  return spawnExactly({
    ...{ file: bytesOf(file), words: words.map(bytesOf), variables },
    ...{ readsStdin, output, inherited },
  });
}

function look(): void {
  for (const [pid, resolve] of waiting) {
    const end = endOf(pid);
    if (end === undefined) continue;
    waiting.delete(pid);
    resolve(end);
  }
  if (waiting.size > 0) return;
  process.off('SIGCHLD', look);
  clearInterval(timer);
  timer = undefined;
}
