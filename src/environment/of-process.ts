// The variables of other processes, as /proc shows them.

import { readFileSync } from 'node:fs';
import { type Environment, passedOn } from './process.js';

/**
 * The environment that a process was started with. Each variable is looked up when it is asked for: a process has dozens of them, and a
 * caller needs a few.
 *
 * Read as UTF-8, as Node reads its own variables: a job id of Flux begins with U+0192.
 *
 * @returns undefined if the process has ended, or belongs to another user.
 * @see proc(5), /proc/pid/environ
 */
export function environmentOf(pid: number): Environment | undefined {
  let text: string;
  try {
    text = `\0${readFileSync(`/proc/${pid}/environ`, 'utf8')}`;
  } catch {
    return undefined;
  }
  return new Proxy<Environment>(
    {},
    { get: (_, name) => valueIn(text, String(name)) ?? passedOnIn(text, String(name)) },
  );
}

function passedOnIn(text: string, name: string): string | undefined {
  return name.startsWith('HWLOC_SHARE_') ? valueIn(text, passedOn + name) : undefined;
}

function valueIn(text: string, name: string): string | undefined {
  const at = text.indexOf(`\0${name}=`);
  if (at === -1) return undefined;
  const start = at + name.length + 2;
  const end = text.indexOf('\0', start);
  return text.slice(start, end === -1 ? undefined : end);
}
