// The processes below a process: a rank may be a shell script, and the program of the job its child.

import { readdirSync } from 'node:fs';
import { statOf } from '../channel/place/index.js';

/** The pids of all living descendants of these processes, as far as /proc shows them; not the processes themselves. */
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
