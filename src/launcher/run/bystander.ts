// Finds out whether a signal was sent to the whole process group, or only to this process. The kernel does
// not say so.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

/**
 * A signal may reach the processes of a group some microseconds apart; on a busy machine, some milliseconds.
 */
const apartMilliseconds = 5;

/**
 * A process in the same process group as this process and the launcher, which does nothing. If a signal has
 * reached it, the signal was sent to the group, and the launcher has got it too.
 */
export class Bystander {
  #process = started();

  /** Whether a signal that has reached this process has also reached the group. */
  async hasHad(signal: NodeJS.Signals): Promise<boolean> {
    const process = this.#process;
    if (!hasGot(process, signal)) await new Promise((resolve) => setTimeout(resolve, apartMilliseconds));
    const had = hasGot(process, signal);
    // The next signal must find a process that has not been signalled.
    if (had && process === this.#process && signal !== 'SIGTSTP') this.#process = replaced(process);
    return had;
  }

  /** Continues it, if it was stopped and only this process was told to continue. */
  goOn(): void {
    this.#process.kill('SIGCONT');
  }

  end(): void {
    this.#process.kill('SIGKILL');
  }
}

/** It reads from this process, so it ends with this process in any case. */
function started(): ChildProcess {
  const options: SpawnOptions = { stdio: ['pipe', 'ignore', 'ignore'], env: {}, cwd: '/' };
  const child = spawn('/bin/cat', [], options);
  // If it cannot be started, every signal counts as sent to this process alone.
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  // The pipe stays open. When Node 24 destroys a socket, it uses process.stderr, which makes a pipe
  // non-blocking that the job uses too.
  child.stdin = null;
  child.unref();
  return child;
}

function replaced(process: ChildProcess): ChildProcess {
  process.kill('SIGKILL');
  return started();
}

/**
 * Whether a signal has ended or stopped a process, or will.
 *
 * @see proc(5), /proc/pid/stat: fields 3 (state), 52 (exit_code); /proc/pid/status: SigPnd, ShdPnd
 */
function hasGot({ pid = 0, signalCode }: ChildProcess, signal: NodeJS.Signals): boolean {
  if (signalCode === signal) return true;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return (Number(fields[49]) & 0x7f) === constants.signals[signal];
    if (fields[0] === 'T' && signal === 'SIGTSTP') return true;
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const bit = 1n << BigInt(constants.signals[signal] - 1);
    return [...status.matchAll(/^(?:SigPnd|ShdPnd):\s*(\w+)$/gm)].some(
      ([, mask = '0']) => (BigInt(`0x${mask}`) & bit) !== 0n,
    );
  } catch {
    return false;
  }
}
