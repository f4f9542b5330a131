// Finds the launcher's process above this one.

import { statOf } from '../../channel/place/index.js';
import { environmentOf } from '../../environment/index.js';

/**
 * How far to look: shells, wrappers and debuggers may be between a rank and the launcher's process, but never
 * this many.
 */
const highest = 32;

/** A process above a rank. */
export interface Ancestor {
  readonly pid: number;
  /** The command in /proc/<pid>/comm: the kernel cuts it to 15 characters. */
  readonly command: string;
}

/**
 * The nearest ancestor of a process that satisfies a condition.
 *
 * @param below  The process; default: this one.
 * @returns undefined if there is none, or if it cannot be seen (another PID namespace).
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

/**
 * The pid of the nearest ancestor that is a launcher's process. If none can be seen, the pid of the parent.
 */
export function launcherAbove(names: readonly string[]): number {
  return launcherIfSeen(names) ?? process.ppid;
}

/** Like {@link launcherAbove}; undefined if none can be seen. */
export function launcherIfSeen(names: readonly string[]): number | undefined {
  return nearest((ancestor) => isNamed(ancestor, names))?.pid;
}

/**
 * The pid of the nearest ancestor that was started without a variable: it set the variable for its children.
 * If that is unknown, the pid of the parent.
 */
export function setterOf(variable: string): number {
  return nearest(({ pid }) => isWithout(pid, variable))?.pid ?? process.ppid;
}

function isWithout(pid: number, variable: string): boolean {
  const env = environmentOf(pid);
  return env !== undefined && env[variable] === undefined;
}

/**
 * When a process started, in clock ticks after boot; 0 if it cannot be seen. Start and pid together identify
 * a process for good.
 */
export function startOf(pid: number): number {
  return statOf(pid)?.start ?? 0;
}
