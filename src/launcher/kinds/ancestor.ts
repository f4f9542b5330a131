// Which process of the launcher stands above this one: its life is the job's life on this node.

import { statOf } from '../../channel/place/index.js';

/** Shells, wrappers and debuggers may stand between a rank and the launcher's process; nobody stacks this many. */
const highest = 32;

/**
 * The nearest ancestor whose command is one of a launcher's.
 *
 * @param commands  What /proc/<pid>/comm says: cut to 15 characters by the kernel.
 * @returns the parent's pid where there is no such ancestor, or none that can be seen (another PID namespace).
 */
export function launcherAbove(commands: RegExp): number {
  return launcherIfSeen(commands) ?? process.ppid;
}

/** The same; undefined where there is none. */
export function launcherIfSeen(commands: RegExp): number | undefined {
  return ancestor((_pid, command) => commands.test(command));
}

/** Whether a pid is that of an ancestor of this process. In another PID namespace it is not, or is somebody else's. */
export function isAbove(pid: number): boolean {
  return ancestor((each) => each === pid) !== undefined;
}

/** When a process started, in clock ticks after boot; 0 if it cannot be seen. With its pid, that names it for good. */
export function startOf(pid: number): number {
  return statOf(pid)?.start ?? 0;
}

function ancestor(is: (pid: number, command: string) => boolean): number | undefined {
  let pid = process.ppid;
  for (let height = 0; height < highest && pid > 1; height++) {
    const stat = statOf(pid);
    if (stat === undefined) return undefined;
    if (is(pid, stat.command)) return pid;
    pid = stat.parent;
  }
  return undefined;
}
