// Running a command whose words or variables are not UTF-8. Few are; so all of this is loaded only for them.

import { codeOf } from '../../channel/place/index.js';
import { endOf, spawnExactly } from '../../libc/index.js';
import { bytesOf } from '../../environment/index.js';
import { executable } from '../kinds/index.js';
import { type Command, type Ending, type Running, notStarted } from './run.js';
import { signalOf } from './signals.js';

/** A process may end without a signal that we see: so often we look. In milliseconds. */
const lookEvery = 1000;

/** What is called when a process ends, by its pid. */
const waiting = new Map<number, (ending: Ending) => void>();
let timer: NodeJS.Timeout | undefined;

/** Starts a command, byte for byte; else as {@link start} does. */
export function startExactly(command: Command): Running {
  let pid: number;
  try {
    pid = spawn(command);
  } catch (error) {
    return { ending: Promise.resolve(notStarted(error)), kill: () => undefined };
  }
  return {
    pid,
    ending: new Promise((resolve) => {
      waiting.set(pid, resolve);
      if (timer === undefined) process.on('SIGCHLD', look);
      // It keeps this process alive, too, which a signal's handler does not.
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
    // A script without a first line that says what runs it: as execvp(3) does.
    const file = codeOf(error) === 'ENOEXEC' ? executable(command.file, command.env.PATH ?? '') : undefined;
    if (file === undefined) throw error;
    return spawnAs({ ...command, file: '/bin/sh' }, ['/bin/sh', file, ...command.args]);
  }
}

function spawnAs({ file, env, readsStdin, inherited }: Command, words: readonly string[]): number {
  const variables = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [bytesOf(`${name}=${value}`)],
  );
  return spawnExactly({ file: bytesOf(file), words: words.map(bytesOf), variables, readsStdin, inherited });
}

function look(): void {
  for (const [pid, resolve] of waiting) {
    const end = endOf(pid);
    if (end === undefined) continue;
    waiting.delete(pid);
    const signal = end.signal === undefined ? undefined : signalOf(end.signal);
    resolve({ status: end.status ?? 128 + (end.signal ?? 0), signal, problem: undefined });
  }
  if (waiting.size > 0) return;
  process.off('SIGCHLD', look);
  clearInterval(timer);
  timer = undefined;
}
