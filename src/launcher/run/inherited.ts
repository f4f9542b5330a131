// Open files that whoever started us passed on, beside the standard three: `hwloc-share mpirun … 3<file`.

import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

const O_CLOEXEC = 0o2000000;

/**
 * The descriptors to pass on to the launcher: Node marks those that it finds at its start as not to be passed on.
 *
 * What is Node's own stays out: what has no name (epoll, eventfd), pipes of which both ends are here, and its /dev/null.
 * To be called while nothing else is open in this process.
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
    return undefined; // the descriptor through which we read the directory
  }
}

function isClosedOnExec(fd: number): boolean {
  const [, flags] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? [];
  return flags !== undefined && (parseInt(flags, 8) & O_CLOEXEC) !== 0;
}
