// A job's name, what its ranks are told, and what is removed when it ends.

import { readdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { currentKeeper, removeChannel, removeRoot, rootsOf, sweep } from '../channel/place/index.js';
import { environment, settingsFrom } from '../environment/index.js';
import type { Options } from './command-line.js';

/** A name that no other job of this user has, on this node or another. */
export function jobName(): string {
  const { pid, start } = currentKeeper();
  return `${hostname()}-${pid}-${start}`;
}

/** The variables that tell the ranks what our options say. */
export function variablesOf(job: string, options: Options): Record<string, string> {
  const { dir, timeout, io, hole, libhwloc, strict, verbose } = options;
  return {
    HWLOC_SHARE_JOB: job,
    ...(dir === undefined ? {} : { HWLOC_SHARE_DIR: dir }),
    ...(timeout === undefined ? {} : { HWLOC_SHARE_TIMEOUT: String(timeout) }),
    ...(io === undefined ? {} : { HWLOC_SHARE_IO: io }),
    ...(hole === undefined ? {} : { HWLOC_SHARE_HOLE: hole }),
    ...(libhwloc === undefined ? {} : { HWLOC_SHARE_LIBHWLOC: libhwloc }),
    ...(strict === undefined ? {} : { HWLOC_SHARE_STRICT: strict ? '1' : '0' }),
    ...(verbose === undefined ? {} : { HWLOC_SHARE_VERBOSE: verbose ? '1' : '0' }),
  };
}

/** Where this user's channels may be on this node. */
export function ownRoots(options: Options): string[] {
  const env = environment();
  return rootsOf(options.dir ?? settingsFrom(env).directory, env.XDG_RUNTIME_DIR);
}

/** Removes the channels of a job that has ended; each of its steps may have left one. */
export function removeJob(job: string, roots: readonly string[]): void {
  for (const root of roots) {
    for (const name of namesIn(root)) {
      if (name.startsWith(`${job}.`)) removeChannel(join(root, name));
    }
    removeRoot(root);
  }
}

/** Removes what dead jobs left. @returns the paths that were removed. */
export function clean(roots: readonly string[]): string[] {
  return roots.flatMap((root) => sweep(root));
}

function namesIn(root: string): string[] {
  try {
    return readdirSync(root);
  } catch {
    return [];
  }
}
