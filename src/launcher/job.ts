// A job's name, what its ranks are told, and what is removed when it ends.

import { resolve } from 'node:path';
import { rootsOf, statOf } from '../channel/place/index.js';
import {
  type Environment,
  environment,
  hostName,
  placeVariables,
  settingsFrom,
  temporaryDirectory,
} from '../environment/index.js';
import type { Options } from './command-line.js';

/** A name that no other job of this user has, on this node or another; nothing in it that a file name could not hold. */
export function jobName(): string {
  const start = statOf(process.pid)?.start ?? Date.now();
  return `${hostName().replace(/[^A-Za-z0-9-]/g, '_')}-${process.pid}-${start}`;
}

/** Another launcher that starts below a rank of the built-in one has ranks of its own. */
const notInherited = Object.fromEntries(Object.values(placeVariables).map((name) => [name, undefined]));

/**
 * The environment of a launcher, or of a rank of the built-in one: ours, and what tells the ranks what our options say.
 *
 * @param spool  Where ranks leave their records for a report.
 */
export function environmentOf(
  job: string,
  kind: 'launch' | 'local',
  options: Options,
  spool?: string,
): Environment {
  const { timeout, io, hole, libhwloc, strict, verbose } = options;
  const given = {
    HWLOC_SHARE_DIR: directoryOf(options),
    HWLOC_SHARE_TIMEOUT: timeout,
    HWLOC_SHARE_IO: io,
    HWLOC_SHARE_HOLE: hole,
    HWLOC_SHARE_LIBHWLOC: libhwloc,
    HWLOC_SHARE_STRICT: strict && 1,
    HWLOC_SHARE_VERBOSE: verbose && 1,
  };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return {
    ...environment(),
    ...(kind === 'launch' ? notInherited : {}),
    ...Object.fromEntries(set.map(([name, value]) => [name, String(value)])),
    HWLOC_SHARE_JOB: job,
    // A launcher that is started is named once it is known which one it is (pass-on.ts).
    HWLOC_SHARE_LAUNCHER: kind === 'local' ? 'local' : undefined,
    // Not that of a job of which this one is a part: its report is on its own ranks.
    HWLOC_SHARE_SPOOL: spool,
  };
}

/** Where this user's channels may be on this node. */
export function ownRoots(options: Options): string[] {
  const env = environment();
  return rootsOf(directoryOf(options), env.XDG_RUNTIME_DIR, temporaryDirectory(env));
}

/** The directory that was asked for, wherever the ranks may work: a launcher can be told to start them elsewhere. */
function directoryOf(options: Options): string | undefined {
  const directory = options.dir ?? settingsFrom(environment()).directory;
  return directory === undefined || directory === '' ? undefined : resolve(directory);
}
