// Reads about processes in /proc: which launcher is above a rank, whether a launcher is stopped, and which
// processes are below a rank. Nothing else in the system can answer these questions.

import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** The PID namespace that contains all processes of the node: PROC_PID_INIT_INO in linux/proc_ns.h. */
const allSeeing = 'pid:[4026531836]';

/**
 * Whether /proc shows the processes of all containers of this node. Otherwise it shows only those of this
 * container.
 */
export function seesEveryProcess(): boolean {
  return readlinkSync('/proc/self/ns/pid') === allSeeing;
}

/** The needed fields of /proc/<pid>/stat; undefined if there is no such process. @see proc(5) */
export function statOf(
  pid: number,
): { command: string; state: string; parent: number; start: number } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The command is in parentheses and may contain any character, even parentheses and spaces.
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

/**
 * The pids of all living descendants of some processes, as far as /proc shows them, without the processes
 * themselves. A rank may be a shell script, and the program of the job its child.
 */
export function descendantsOf(pids: readonly number[]): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? statOf(Number(name))?.parent : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found: number[] = [];
  for (let next = pids; next.length > 0;) {
    next = next.flatMap((pid) => children.get(pid) ?? []);
    found.push(...next);
  }
  return found;
}
