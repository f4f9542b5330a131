// Whose life a channel depends on: the launcher's process on this node, known by its pid and its start time.

import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** A process, such that another one with the same pid is not mistaken for it. */
export interface Keeper {
  readonly pid: number;
  /** Clock ticks after boot at which it started: field 22 of /proc/<pid>/stat. */
  readonly start: number;
  /** The PID namespace in which the pid means something, as /proc/self/ns/pid names it. */
  readonly namespace: string;
}

/** A process of this PID namespace as a keeper; undefined if there is no such process (any more). */
export function keeperOf(pid: number): Keeper | undefined {
  const start = startOf(pid);
  return start === undefined ? undefined : { pid, start, namespace: namespace() };
}

/** This process. */
export function currentKeeper(): Keeper {
  return { pid: process.pid, start: startOf(process.pid) ?? 0, namespace: namespace() };
}

/**
 * Whether a keeper lives. `undefined`: it cannot be told from here, since its pid belongs to another PID namespace.
 *
 * A zombie counts as dead: nothing of it will ever run again.
 */
export function isAlive(keeper: Keeper): boolean | undefined {
  if (keeper.namespace === namespace()) return startOf(keeper.pid) === keeper.start;
  return seesEveryProcess() ? isAliveElsewhere(keeper) : undefined;
}

/**
 * Whether a keeper of another PID namespace lives, as the namespace shows it that has all processes.
 *
 * @returns undefined if a process of ours may not be looked at, which could be it.
 */
function isAliveElsewhere({ start, namespace: where }: Keeper): boolean | undefined {
  let told: false | undefined = false;
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || startOf(pid) !== start) continue;
    try {
      if (readlinkSync(`/proc/${pid}/ns/pid`) === where) return true;
    } catch {
      told = undefined;
    }
  }
  return told;
}

/** `pid=4711 start=123456 namespace=pid:[4026531836]`. */
export function formatKeeper({ pid, start, namespace }: Keeper): string {
  return `pid=${pid} start=${start} namespace=${namespace}\n`;
}

/** The reverse of {@link formatKeeper}; undefined for anything else. */
export function parseKeeper(text: string): Keeper | undefined {
  const [, pid, start, inNamespace] =
    /^pid=(\d{1,10}) start=(\d{1,20}) namespace=(\S{1,64})\n$/.exec(text) ?? [];
  if (pid === undefined || start === undefined || inNamespace === undefined) return undefined;
  return { pid: Number(pid), start: Number(start), namespace: inNamespace };
}

/** What a file says of a keeper; undefined if it is not there, or says something else. */
export function readKeeper(file: string): Keeper | undefined {
  try {
    return parseKeeper(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The PID namespace that has all processes of the node: PROC_PID_INIT_INO in linux/proc_ns.h. */
const allSeeing = 'pid:[4026531836]';

/** Whether /proc shows the processes of all containers of this node (if not, it shows those of this one), as far as they are ours. */
export function seesEveryProcess(): boolean {
  return namespace() === allSeeing;
}

let ownNamespace: string | undefined;

function namespace(): string {
  return (ownNamespace ??= readlinkSync('/proc/self/ns/pid'));
}

function startOf(pid: number): number | undefined {
  const stat = statOf(pid);
  return stat === undefined || stat.state === 'Z' || stat.state === 'X' ? undefined : stat.start;
}

/** What /proc/<pid>/stat says that we need; undefined when there is no such process. @see proc(5) */
export function statOf(
  pid: number,
): { command: string; state: string; parent: number; start: number } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The command stands in parentheses and may hold any character, parentheses and spaces included.
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  return {
    command: text.slice(open + 1, close),
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    start: Number(fields[19]),
  };
}
