// Passes the wrapper's variables to ranks on other nodes.

import { execFile } from 'node:child_process';
import type { Environment } from '../../environment/index.js';
import { type Launch, type LauncherKind, launcherKinds, recognise } from '../kinds/index.js';

/** The variables for the ranks. If one was already set, the user may have meant it for all nodes as well. */
const ours =
  /^HWLOC_SHARE_(JOB|LAUNCHER|DIR|TIMEOUT|IO|HOLE|LIBHWLOC|STRICT|VERBOSE|SPOOL|XMLFILE|NODE|UID)$/;

/**
 * Prepares a command for its start: adds words and variables if necessary.
 *
 * @param prepare  Further preparation, once the kind of launcher is known.
 */
export async function toAllNodes(
  { command, args }: { readonly command: string; readonly args: readonly string[] },
  env: Environment,
  prepare: (kind: LauncherKind | undefined, launch: Launch) => Promise<Launch> = (_, launch) =>
    Promise.resolve(launch),
): Promise<Launch & { readonly kind: string | undefined }> {
  const kind = await recognise(launcherKinds, command, env.PATH ?? '', versionOf);
  const launch = await prepare(kind, { args, env });
  if (kind === undefined) return { kind, ...launch };
  // Names the one launcher that has the wrapper's job name, as opposed to launchers that a script behind the
  // wrapper starts.
  const told: Environment = { ...launch.env, HWLOC_SHARE_LAUNCHER: kind.name };
  const variables = Object.keys(told).filter((name) => ours.test(name) && told[name] !== undefined);
  const words = { args: launch.args, env: told };
  return { kind: kind.name, ...(kind.passOn?.(words, variables) ?? words) };
}

/**
 * A launcher that takes longer is not waited for: only the ranks of other nodes miss the wrapper's variables.
 */
const patience = 5000;

/** What a program's --version prints, on both streams, as far as it gets if anything goes wrong. */
export function versionOf(command: string): Promise<string> {
  return new Promise((resolve) => {
    // With Node's own functions: importing execa takes as long as starting Node.
    const child = execFile(command, ['--version'], { timeout: patience }, (_error, stdout, stderr) => {
      resolve(`${stdout}\n${stderr}`);
    });
    child.stdin?.end();
  });
}
