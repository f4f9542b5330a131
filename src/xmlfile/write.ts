// Discovers this machine and writes it as XML, so that any program of the job finds what it would have
// discovered itself. If an earlier step of the same script has written a file that is kept and still valid,
// this step uses that file.

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

/**
 * The name of the file in its directory. front.sh and the launcher wait for this name, so the file must be
 * complete when it appears.
 */
export const xmlFile = 'topology.xml';

/** What was written. */
export interface Written {
  readonly file: string;
  readonly bytes: number;
  /**
   * When an earlier step discovered the topology: milliseconds since 1970. Undefined: it was discovered now.
   */
  readonly kept: number | undefined;
}

/** The input of {@link writeXmlFile}. */
export interface Request {
  /** The environment of this process. */
  readonly env: Environment;
  /** Where the kept channel may be: the roots, best first. */
  readonly roots: readonly string[];
  /**
   * How long this may take. If a plugin of hwloc hangs, the machine is discovered again without plugins,
   * within this time.
   */
  readonly seconds: number;
}

/**
 * Writes the topology of this machine into a directory, mode 0600.
 *
 * The file holds everything that a program may ask for: I/O objects, instruction and memory-side caches,
 * dies, and what this process's own cgroup does not allow. hwloc applies a program's own filters when it
 * reads XML, but cannot find what was left out of the file. hwloc also removes what the reader's cgroup does
 * not allow (HWLOC_THISSYSTEM_ALLOWED_RESOURCES). The file lacks groups that show the same as a cache or a
 * package: hwloc keeps such a group only if that cache or package type is filtered out.
 *
 * @param tell  Called with a sentence for the user.
 * @throws HwlocError  the machine could not be discovered.
 * @throws Error       of the file system; `EEXIST`: another process writes here, or has written.
 */
export async function writeXmlFile(
  directory: string,
  { env, roots, seconds }: Request,
  tell: (text: string) => void,
): Promise<Written> {
  const place = keptPath(roots, hostName());
  // Computed before the discovery: if the machine changes meanwhile, no later step uses the result.
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
    // In hwloc 2's format: hwloc 2 reads nothing newer, and hwloc 3 reads both.
    const xml = topology.exportXml({ v2: true });
    writeFileSync(unfinished, xml, { flag: 'wx', mode: 0o600 });
    if (place !== undefined && !pluginsGivenUp()) keepFile(place, fingerprint, unfinished);
    renameSync(unfinished, file);
    return { file, bytes: Buffer.byteLength(xml), kept: undefined };
  } finally {
    topology.close();
  }
}

/** Does not depend on what the cgroup of this process allows: the file shows the whole machine. */
function xmlFingerprint(env: Environment): string {
  const { file, apiVersion } = libhwloc();
  const library = `${file} ${versionText(apiVersion)}, as XML`;
  const allowed = { cpus: 'all', nodes: 'all' };
  return fingerprintOf(textsOf({ env, io: 'all', hole: undefined, xmlfile: true, allowed, library }));
}

/**
 * Gives a kept file a second name, or copies it if that is under another root. @returns false if the last
 * holder has just left
 */
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

/**
 * The types that hwloc leaves out, or keeps in part, by default. (Groups cannot be requested: those without
 * structure are dropped.)
 */
const everything: Partial<Record<ObjectType, TypeFilter>> = {
  L1iCache: 'all',
  L2iCache: 'all',
  L3iCache: 'all',
  MemCache: 'all',
  Die: 'all',
  Misc: 'all',
};
