// Reads the variables of other processes from /proc.

import { readFileSync } from 'node:fs';
import { type Environment, passedOn } from './process.js';

/**
 * The environment that a process was started with. Each variable is looked up on demand: a process has dozens
 * of variables, and a caller needs a few.
 *
 * Decoded as UTF-8, like Node's own variables: a job id of Flux begins with U+0192.
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
