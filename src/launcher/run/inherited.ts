// Finds open files, other than the standard three, that this process inherited for the launcher: `hwloc-share
// mpirun … 3<file`.

import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

const O_CLOEXEC = 0o2000000;

/**
 * The descriptors to pass on to the launcher. Node marks the files that it finds open at its start as
 * close-on-exec.
 *
 * Node's own files are left out: those without a name (epoll, eventfd), pipes with both ends in this process,
 * and its /dev/null. Call this while nothing else is open in this process.
 */
export function inheritedFiles(): number[] {
  const open = new Map<number, string>();
  for (const fd of readdirSync('/proc/self/fd').map(Number)) {
    const target = fd > 2 ? targetOf(fd) : undefined;
    if (target !== undefined) open.set(fd, target);
  }
  const targets = [...open.values()];
  const isOurs = (target: string) =>
    target.startsWith('anon_inode:') ||
    target === '/dev/null' ||
    (target.startsWith('pipe:') && targets.filter((other) => other === target).length > 1);
  return [...open.keys()].filter((fd) => !isOurs(open.get(fd) ?? '') && isClosedOnExec(fd));
}

function targetOf(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined; // The descriptor through which the directory is read.
  }
}

function isClosedOnExec(fd: number): boolean {
  const [, flags] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? [];
  return flags !== undefined && (parseInt(flags, 8) & O_CLOEXEC) !== 0;
}
