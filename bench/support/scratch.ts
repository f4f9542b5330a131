// Folders in memory for one run of the benchmark, removed at its end; those that a killed one left are removed by the next.

import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Ten thousand small files of sysfs: 0.2 s in memory, 10 s on some disks. And a topology is shared from memory.
const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const prefix = 'hwloc-share-bench-';
const own = new Set<string>();

/** A new empty folder. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(place, `${prefix}${process.pid}-`));
  own.add(folder);
  return folder;
}

export function removeScratch(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  own.delete(folder);
}

/** Removes all that is left of this run, and of runs that are dead. */
export function sweepScratch(): void {
  for (const folder of own) removeScratch(folder);
  for (const name of readdirSync(place)) {
    const pid = name.startsWith(prefix) ? name.slice(prefix.length).split('-')[0] : undefined;
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) removeScratch(join(place, name));
  }
}
