// A job: its name, its ranks' environment, and its directories.

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

/** A name that no other job of this user has, on this node or another. It can be used as a file name. */
export function jobName(): string {
  const start = statOf(process.pid)?.start ?? Date.now();
  return `${hostName().replace(/[^A-Za-z0-9-]/g, '_')}-${process.pid}-${start}`;
}

/** Variables to remove: another launcher that starts below a rank of the built-in one has its own ranks. */
const notInherited = Object.fromEntries(Object.values(placeVariables).map((name) => [name, undefined]));

/** Removes what Open MPI has passed on: it belongs to an outer job, in which this one runs. */
function notPassedOn(): Environment {
  const names = Object.keys(environment()).filter((name) => name.startsWith(`${passedOn}HWLOC_SHARE_`));
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

/**
 * The environment of a launcher, or of a rank of the built-in one: this process's environment, and variables
 * that tell the ranks the wrapper's options.
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
    // Set for a launcher once its kind is known (pass-on.ts).
    HWLOC_SHARE_LAUNCHER: kind === 'local' ? 'local' : undefined,
    // Overrides the spool of an outer job, whose report is about its own ranks.
    HWLOC_SHARE_SPOOL: spool,
  };
}

/** Where this user's channels may be on this node. */
export function ownRoots(options: Options): string[] {
  const env = environment();
  return rootsOf(directoryOf(options), env.XDG_RUNTIME_DIR, temporaryDirectory(env));
}

/**
 * The absolute path of the requested directory: a launcher may start the ranks in another working directory.
 */
function directoryOf(options: Options): string | undefined {
  const directory = askedDirectory(options);
  return directory === undefined || hasOtherBytes(directory) ? undefined : directory;
}

function askedDirectory(options: Options): string | undefined {
  // The exact environment is used only if it may differ: copying it takes a while.
  const named = settingsFrom(environment()).directory;
  const exact = named?.includes('\ufffd') === true ? settingsFrom(exactEnvironment()).directory : named;
  const directory = options.dir ?? exact;
  return directory === undefined || directory === '' ? undefined : exactPath(directory);
}

/**
 * Why a requested directory cannot be used. Ranks in Node cannot open it. Ranks in other languages must meet
 * them, so no rank is told of the directory.
 */
export function unusableDirectory(options: Options): string | undefined {
  const directory = askedDirectory(options);
  if (directory === undefined || !hasOtherBytes(directory)) return undefined;
  const option = options.dir === undefined ? 'HWLOC_SHARE_DIR' : '--dir';
  return `${option} ${directory}: the name is not UTF-8, and Node cannot open it; ranks meet in another directory`;
}
