// Adopts the topology that the ranks of a running job share, read-only.

import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { codeOf } from '../../../errors/index.js';
import { type Topology, abi, adoptTopology, shmemAbi } from '../../../hwloc/index.js';
import { anonymousFile } from '../../../libc/index.js';
import { CommandError } from '../../errors.js';
import type { RunningJob, SharedMapping } from '../running/jobs.js';

/**
 * The topology of a job, adopted by this process.
 *
 * After all ranks of the node have joined, the file is removed, but its pages exist in the ranks. So they are
 * read from a rank's memory, which the system allows for processes that the user may debug. The topology is
 * then adopted from this copy.
 *
 * @throws CommandError  no rank has adopted a topology, or this process cannot read any rank's memory.
 */
export function adoptFrom(job: RunningJob): { readonly topology: Topology; readonly mapping: SharedMapping } {
  const sharing = job.ranks.flatMap(({ pid, mapping }) => (mapping === undefined ? [] : [{ pid, mapping }]));
  const [first] = sharing;
  if (first === undefined) {
    throw new CommandError(
      `no rank of ${job.name} shares a topology: they have not joined yet, or have copies of their own`,
    );
  }
  const fd = anonymousFile('hwloc-share');
  try {
    copyMemory(first.pid, first.mapping, fd);
    if (shmemAbi({ fd, offset: 0 }) !== abi()) {
      throw new CommandError(
        `the libhwloc of ${job.name} has another ABI than ours; name the job's own with --libhwloc`,
      );
    }
    const { mapping } = first;
    return {
      topology: adoptTopology({ fd, offset: 0, address: mapping.address, length: mapping.length }),
      mapping,
    };
  } finally {
    closeSync(fd);
  }
}

/** @see proc(5), /proc/pid/mem */
function copyMemory(pid: number, { address, length }: SharedMapping, to: number): void {
  let from: number | undefined;
  try {
    from = openSync(`/proc/${pid}/mem`, 'r');
    const bytes = Buffer.allocUnsafe(Math.min(length, 1 << 20));
    for (let done = 0; done < length;) {
      const read = readSync(from, bytes, 0, Math.min(bytes.length, length - done), address + done);
      if (read === 0) throw new CommandError(`the topology of pid ${pid} ends too early`);
      writeSync(to, bytes, 0, read);
      done += read;
    }
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    throw new CommandError(
      `the memory of pid ${pid} cannot be read: it is closed to other processes of its user ` +
        '(kernel.yama.ptrace_scope); try as root',
    );
  } finally {
    if (from !== undefined) closeSync(from);
  }
}
