// Discovers this machine, and writes it as XML such that any program of the job finds in it what it would have discovered. What an earlier
// step of the same script has written, while that is kept and true, is the file of this step as well.

import { constants, copyFileSync, linkSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../errors/index.js';
import { type Environment, hostName } from '../environment/index.js';
import {
  type ObjectType,
  type TypeFilter,
  libhwloc,
  loadWithin,
  pluginsGivenUp,
  versionText,
} from '../hwloc/index.js';
import { fingerprintOf, keepFile, keptFile, keptPath, textsOf } from '../kept/index.js';

/** The file in its directory. front.sh and the launcher wait for this name, so it comes into being complete. */
export const xmlFile = 'topology.xml';

/** What was written. */
export interface Written {
  readonly file: string;
  readonly bytes: number;
  /** When an earlier step discovered it: milliseconds since 1970. Undefined: it was discovered now. */
  readonly kept: number | undefined;
}

/** What is asked of {@link writeXmlFile}. */
export interface Request {
  /** Of this process. */
  readonly env: Environment;
  /** Where the kept channel may be: the roots of channels, best first. */
  readonly roots: readonly string[];
  /** How long this may take. In time before that, the machine is discovered without hwloc's plugins, one of which may hang. */
  readonly seconds: number;
}

/**
 * Writes the topology of this machine into a directory, mode 0600.
 *
 * It holds all that a program may ask for, because hwloc applies a program's own filters when it reads XML, but cannot find in it
 * what was left out: I/O objects, instruction and memory-side caches, dies, and what this process's own cgroup does not allow.
 * What the reader's cgroup does not allow, hwloc takes out there (HWLOC_THISSYSTEM_ALLOWED_RESOURCES). What is missing: groups that
 * show the same as a cache or a package does, which hwloc keeps for those only who leave that one out.
 *
 * @param tell  Is called with a sentence for the user.
 * @throws HwlocError  the machine could not be discovered.
 * @throws Error       of the file system; `EEXIST`: another process writes here, or did.
 */
export async function writeXmlFile(
  directory: string,
  { env, roots, seconds }: Request,
  tell: (text: string) => void,
): Promise<Written> {
  const place = keptPath(roots, hostName());
  // Before a discovery: if the machine changes meanwhile, what is discovered belongs to no later step.
  const fingerprint = place === undefined ? '' : xmlFingerprint(env);
  const unfinished = join(directory, `${xmlFile}.unfinished`);
  const file = join(directory, xmlFile);
  const kept = place === undefined ? undefined : keptFile(place, fingerprint);
  if (kept !== undefined && take(kept.path, unfinished)) {
    renameSync(unfinished, file);
    return { file, bytes: kept.bytes, kept: kept.since };
  }
  const options = { io: 'all', includeDisallowed: true, filters: everything } as const;
  const patience = { seconds: 0.8 * seconds, lastSeconds: 0.2 * seconds };
  const topology = await loadWithin(options, patience, tell);
  try {
    // As hwloc 2 writes it: that one reads nothing newer, hwloc 3 reads both.
    const xml = topology.exportXml({ v2: true });
    writeFileSync(unfinished, xml, { flag: 'wx', mode: 0o600 });
    if (place !== undefined && !pluginsGivenUp()) keepFile(place, fingerprint, unfinished);
    renameSync(unfinished, file);
    return { file, bytes: Buffer.byteLength(xml), kept: undefined };
  } finally {
    topology.close();
  }
}

/** Whatever the cgroup of this process allows: the file shows the whole machine. */
function xmlFingerprint(env: Environment): string {
  const { file, apiVersion } = libhwloc();
  const library = `${file} ${versionText(apiVersion)}, as XML`;
  const allowed = { cpus: 'all', nodes: 'all' };
  return fingerprintOf(textsOf({ env, io: 'all', hole: undefined, xmlfile: true, allowed, library }));
}

/** Gives a kept file another name; under another root, it is copied. @returns false if its last holder has let it go just now. */
function take(kept: string, name: string): boolean {
  try {
    linkSync(kept, name);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw error;
  }
  try {
    copyFileSync(kept, name, constants.COPYFILE_EXCL);
    return true;
  } catch {
    return false;
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
