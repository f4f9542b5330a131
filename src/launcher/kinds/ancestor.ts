// Which process of the launcher stands above this one.

import { statOf } from '../../channel/place/index.js';
import { environmentOf } from '../../environment/index.js';

/** Shells, wrappers and debuggers may stand between a rank and the launcher's process; nobody stacks this many. */
const highest = 32;

/** A process above a rank. */
export interface Ancestor {
  readonly pid: number;
  /** What /proc/<pid>/comm says: cut to 15 characters by the kernel. */
  readonly command: string;
}

/**
 * The nearest process above another one that is meant.
 *
 * @param below  The process, if it is not this one.
 * @returns undefined if there is none, or none that can be seen (another PID namespace).
 */
export function nearest(is: (ancestor: Ancestor) => boolean, below?: number): Ancestor | undefined {
  let pid = below === undefined ? process.ppid : (statOf(below)?.parent ?? 0);
  for (let height = 0; height < highest && pid > 1; height++) {
    const stat = statOf(pid);
    if (stat === undefined) return undefined;
    const ancestor = { pid, command: stat.command };
    if (is(ancestor)) return ancestor;
    pid = stat.parent;
  }
  return undefined;
}

/** Whether a process has one of a launcher's names. */
export function isNamed({ command }: Ancestor, names: readonly string[]): boolean {
  return names.some((name) => command.startsWith(name));
}

/** The pid of the nearest ancestor that is a launcher's process; the parent's where there is none to be seen. */
export function launcherAbove(names: readonly string[]): number {
  return launcherIfSeen(names) ?? process.ppid;
}

/** The same; undefined where there is none. */
export function launcherIfSeen(names: readonly string[]): number | undefined {
  return nearest((ancestor) => isNamed(ancestor, names))?.pid;
}

/** The pid of the nearest ancestor that was not started with a variable: the one that gave it to its children. The parent's, where it cannot be told. */
export function setterOf(variable: string): number {
  return nearest(({ pid }) => isWithout(pid, variable))?.pid ?? process.ppid;
}

function isWithout(pid: number, variable: string): boolean {
  const env = environmentOf(pid);
  return env !== undefined && env[variable] === undefined;
}

/** When a process started, in clock ticks after boot; 0 if it cannot be seen. With its pid, that names it for good. */
export function startOf(pid: number): number {
  return statOf(pid)?.start ?? 0;
}
