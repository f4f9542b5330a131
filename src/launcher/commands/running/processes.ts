// Reads about this user's processes in /proc.

import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { ownUid } from '../../../channel/place/index.js';

/** The pids of all living processes of the effective user, in ascending order, without this process. */
export function ownProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => attempt(() => statSync(`/proc/${pid}`).uid === ownUid()) === true)
    .sort((a, b) => a - b);
}

/**
 * The text of /proc/<pid>/maps; undefined if the process has ended, is a zombie, or belongs to another user.
 */
export function mapsOf(pid: number): string | undefined {
  const text = attempt(() => readFileSync(`/proc/${pid}/maps`, 'latin1'));
  return text === '' ? undefined : text;
}

/** Like {@link mapsOf}, without blocking this process. */
export async function readMapsOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/maps`, 'latin1').catch(() => '');
  return text === '' ? undefined : text;
}

/** The command of a process, on one line. */
export function commandOf(pid: number): string {
  const words = attempt(() =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .split('\0')
      .filter((word) => word !== ''),
  );
  return words?.join(' ').replace(/\s+/g, ' ') ?? '';
}

/** The name of a process's program, cut to 15 characters. @see proc(5), /proc/pid/comm */
export function nameOf(pid: number): string {
  const name = attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()) ?? '';
  // From Node 23 on, Node gives its first thread this name.
  return name === 'MainThread' ? (attempt(() => basename(readlinkSync(`/proc/${pid}/exe`))) ?? name) : name;
}

/** The CPUs that a process may run on, as a list such as `0-3,8`. @see proc(5), Cpus_allowed_list; sched_getaffinity(2) */
export function cpusOf(pid: number): string | undefined {
  return /^Cpus_allowed_list:\s*(\S+)$/m.exec(
    attempt(() => readFileSync(`/proc/${pid}/status`, 'latin1')) ?? '',
  )?.[1];
}

/** The process may end, or belong to another user, at each of these reads. */
function attempt<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
