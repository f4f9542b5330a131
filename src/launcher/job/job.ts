// A job's name, what its ranks are told, and what is removed when it ends.

import { rootsOf, statOf } from '../../channel/place/index.js';
import {
  type Environment,
  environment,
  exactEnvironment,
  exactPath,
  hasOtherBytes,
  hostName,
  passedOn,
  placeVariables,
  settingsFrom,
  temporaryDirectory,
} from '../../environment/index.js';
import type { Options } from '../command-line/options.js';

/** A name that no other job of this user has, on this node or another; nothing in it that a file name could not hold. */
export function jobName(): string {
  const start = statOf(process.pid)?.start ?? Date.now();
  return `${hostName().replace(/[^A-Za-z0-9-]/g, '_')}-${process.pid}-${start}`;
}

/** Another launcher that starts below a rank of the built-in one has ranks of its own. */
const notInherited = Object.fromEntries(Object.values(placeVariables).map((name) => [name, undefined]));

/** What Open MPI has passed on is from a job of which this one is a part. */
function notPassedOn(): Environment {
  const names = Object.keys(environment()).filter((name) => name.startsWith(`${passedOn}HWLOC_SHARE_`));
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

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
    ...exactEnvironment(),
    ...(unusableDirectory(options) === undefined ? {} : { HWLOC_SHARE_DIR: undefined }),
    ...notPassedOn(),
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
  const directory = askedDirectory(options);
  return directory === undefined || hasOtherBytes(directory) ? undefined : directory;
}

function askedDirectory(options: Options): string | undefined {
  // The exact environment only where that may differ: to copy it takes a while.
  const named = settingsFrom(environment()).directory;
  const exact = named?.includes('\ufffd') === true ? settingsFrom(exactEnvironment()).directory : named;
  const directory = options.dir ?? exact;
  return directory === undefined || directory === '' ? undefined : exactPath(directory);
}

/**
 * What is said of a directory that was asked for and cannot be used. Ranks in Node cannot open it, and those in other languages shall meet
 * them: so none of them is told of it.
 */
export function unusableDirectory(options: Options): string | undefined {
  const directory = askedDirectory(options);
  if (directory === undefined || !hasOtherBytes(directory)) return undefined;
  const option = options.dir === undefined ? 'HWLOC_SHARE_DIR' : '--dir';
  return `${option} ${directory}: the name is not UTF-8, and Node cannot open it; ranks meet in another directory`;
}
