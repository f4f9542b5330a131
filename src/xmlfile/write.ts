// Discovers this machine, and writes it as XML such that any program of the job finds in it what it would have discovered.

import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ObjectType, type TypeFilter, loadWithin } from '../hwloc/index.js';

/** The file in its directory. front.sh and the launcher wait for this name, so it comes into being complete. */
export const xmlFile = 'topology.xml';

/** What was written. */
export interface Written {
  readonly file: string;
  readonly bytes: number;
}

/**
 * Writes the topology of this machine into a directory, mode 0600.
 *
 * It holds all that a program may ask for, because hwloc applies a program's own filters when it reads XML, but cannot find in it
 * what was left out: I/O objects, instruction and memory-side caches, dies, and what this process's own cgroup does not allow.
 * What the reader's cgroup does not allow, hwloc takes out there (HWLOC_THISSYSTEM_ALLOWED_RESOURCES). What is missing: groups that
 * show the same as a cache or a package does, which hwloc keeps for those only who leave that one out.
 *
 * @param seconds  How long this may take. In time before that, the machine is discovered without hwloc's plugins, one of which may hang.
 * @param tell     Is called with a sentence for the user.
 * @throws HwlocError  the machine could not be discovered.
 * @throws Error       of the file system; `EEXIST`: another process writes here, or did.
 */
export async function writeXmlFile(
  directory: string,
  seconds: number,
  tell: (text: string) => void,
): Promise<Written> {
  const options = { io: 'all', includeDisallowed: true, filters: everything } as const;
  const patience = { seconds: 0.8 * seconds, lastSeconds: 0.2 * seconds };
  const topology = await loadWithin(options, patience, tell);
  try {
    // As hwloc 2 writes it: that one reads nothing newer, hwloc 3 reads both.
    const xml = topology.exportXml({ v2: true });
    const unfinished = join(directory, `${xmlFile}.unfinished`);
    const file = join(directory, xmlFile);
    writeFileSync(unfinished, xml, { flag: 'wx', mode: 0o600 });
    renameSync(unfinished, file);
    return { file, bytes: Buffer.byteLength(xml) };
  } finally {
    topology.close();
  }
}

/** What hwloc leaves out, or keeps in part, unless it is asked. (Groups cannot be asked for: those without structure are dropped.) */
const everything: Partial<Record<ObjectType, TypeFilter>> = {
  L1iCache: 'all',
  L2iCache: 'all',
  L3iCache: 'all',
  MemCache: 'all',
  Die: 'all',
  Misc: 'all',
};
