// What /proc tells about running processes. One in state Z counts as gone: this system's init may reap it only seconds later.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * The pids of processes whose environment has a variable of this value, or is exactly this `NAME=value`.
 *
 * Children inherit it, whoever they are handed to: the ranks of a job have it, and Open MPI's, Hydra's and Slurm's
 * own helpers too, except `slurmstepd`. This process itself is left out.
 */
export function processesWith(marker: string): number[] {
  return allProcesses().filter((pid) =>
    environmentOf(pid).some((entry) => entry === marker || entry.slice(entry.indexOf('=') + 1) === marker),
  );
}

/** The pids of processes that have a file under this folder open, or work in it. This process itself is left out. */
export function processesHolding(folder: string): number[] {
  return allProcesses().filter((pid) =>
    openFiles(pid).some((file) => file === folder || file.startsWith(`${folder}/`)),
  );
}

/** Waits until `find` finds no process any more, and resolves to those it still finds when the time is over. */
export async function processesLeft(find: () => number[], withinMs = 2000): Promise<number[]> {
  const end = performance.now() + withinMs;
  for (;;) {
    const found = find();
    if (found.length === 0 || performance.now() >= end) return found;
    await sleep(10);
  }
}

/** Sends a signal; false where there is no such process (any more). A negative pid means a process group. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** The pids of all processes but this one. */
export function allProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid);
}

// A process may end, or belong to somebody else, at any of these reads: then it has nothing to tell.
function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/** The `NAME=value` entries that a process was started with; none where it is dead, or somebody else's. */
export function environmentOf(pid: number): string[] {
  return attempt(() => readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0'), []);
}

/** When a process started, in clock ticks since boot; `undefined` where it is gone, or in state Z. */
export function startTimeOf(pid: number): number | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'), '');
  // The second field is the program's name in parentheses, which may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return stat === '' || fields[0] === 'Z' ? undefined : Number(fields[19]);
}

function openFiles(pid: number): string[] {
  const descriptors = attempt(() => readdirSync(`/proc/${pid}/fd`), []);
  const links = ['cwd', ...descriptors.map((descriptor) => `fd/${descriptor}`)];
  return links.map((link) => attempt(() => readlinkSync(`/proc/${pid}/${link}`), ''));
}
