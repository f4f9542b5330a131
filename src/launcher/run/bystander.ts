// Whether a signal was sent to our whole process group, or to us alone: nothing that the kernel tells with a signal says so.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

/** A signal may reach the processes of a group some microseconds apart; on a busy machine, milliseconds. */
const apartMilliseconds = 5;

/**
 * A process that shares our process group with the launcher, and does nothing. A signal that has reached it was sent to the group:
 * the launcher has had it, too.
 */
export class Bystander {
  #process = started();

  /** Whether a signal that has reached us has reached the group. */
  async hasHad(signal: NodeJS.Signals): Promise<boolean> {
    const process = this.#process;
    if (!hasGot(process, signal)) await new Promise((resolve) => setTimeout(resolve, apartMilliseconds));
    const had = hasGot(process, signal);
    // The next one shall find it as it was.
    if (had && process === this.#process && signal !== 'SIGTSTP') this.#process = replaced(process);
    return had;
  }

  /** Lets it go on, where it was stopped and we alone were told to go on. */
  goOn(): void {
    this.#process.kill('SIGCONT');
  }

  end(): void {
    this.#process.kill('SIGKILL');
  }
}

/** It reads from us, and ends with us however we end. */
function started(): ChildProcess {
  const options: SpawnOptions = { stdio: ['pipe', 'ignore', 'ignore'], env: {}, cwd: '/' };
  const child = spawn('/bin/cat', [], options);
  // Where it cannot be started, every signal counts as sent to us alone.
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  // It stays open: where Node 24 destroys a socket, it asks for process.stderr, which makes a pipe non-blocking that is the job's as well.
  child.stdin = null;
  child.unref();
  return child;
}

function replaced(process: ChildProcess): ChildProcess {
  process.kill('SIGKILL');
  return started();
}

/**
 * Whether a process has been ended or stopped by a signal, or is about to be.
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
