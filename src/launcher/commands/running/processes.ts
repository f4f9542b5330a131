// This user's processes, as /proc shows them.

import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { ownUid } from '../../../channel/place/index.js';

/** The pids of all living processes of the user that we act as, in ascending order; not this one. */
export function ownProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => attempt(() => statSync(`/proc/${pid}`).uid === ownUid()) === true)
    .sort((a, b) => a - b);
}

/** The text of /proc/<pid>/maps; undefined where the process is gone, a zombie, or somebody else's. */
export function mapsOf(pid: number): string | undefined {
  const text = attempt(() => readFileSync(`/proc/${pid}/maps`, 'latin1'));
  return text === '' ? undefined : text;
}

/** The same, without holding up this process. */
export async function readMapsOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/maps`, 'latin1').catch(() => '');
  return text === '' ? undefined : text;
}

/** The command of a process, in one line. */
export function commandOf(pid: number): string {
  const words = attempt(() =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .split('\0')
      .filter((word) => word !== ''),
  );
  return words?.join(' ').replace(/\s+/g, ' ') ?? '';
}

/** The name of a process's program, up to 15 characters of it. @see proc(5), /proc/pid/comm */
export function nameOf(pid: number): string {
  const name = attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()) ?? '';
  // From Node 23 on, that is what Node calls its first thread.
  return name === 'MainThread' ? (attempt(() => basename(readlinkSync(`/proc/${pid}/exe`))) ?? name) : name;
}

/** The CPUs that a process may run on, as a list such as `0-3,8`. @see proc(5), Cpus_allowed_list; sched_getaffinity(2) */
export function cpusOf(pid: number): string | undefined {
  return /^Cpus_allowed_list:\s*(\S+)$/m.exec(
    attempt(() => readFileSync(`/proc/${pid}/status`, 'latin1')) ?? '',
  )?.[1];
}

/** A process may end, or turn out to be somebody else's, at any of these reads. */
function attempt<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
