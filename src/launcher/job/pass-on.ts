// Sees to it that what the wrapper tells the ranks reaches those on other nodes, too.

import { execFile } from 'node:child_process';
import type { Environment } from '../../environment/index.js';
import { type Launch, type LauncherKind, launcherKinds, recognise } from '../kinds/index.js';

/** What the ranks are told. Where it was set before us, a user may have meant it for all nodes as well. */
const ours =
  /^HWLOC_SHARE_(JOB|LAUNCHER|DIR|TIMEOUT|IO|HOLE|LIBHWLOC|STRICT|VERBOSE|SPOOL|XMLFILE|NODE|UID)$/;

/**
 * A command as it is to be started: the words and the environment may have had to be added to.
 *
 * @param prepare  What else is to be done about it, when its kind is known.
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
  // Whose job it is that has the wrapper's name: not one of several that a script behind the wrapper starts.
  const told: Environment = { ...launch.env, HWLOC_SHARE_LAUNCHER: kind.name };
  const variables = Object.keys(told).filter((name) => ours.test(name) && told[name] !== undefined);
  const words = { args: launch.args, env: told };
  return { kind: kind.name, ...(kind.passOn?.(words, variables) ?? words) };
}

/** A launcher that takes longer is not worth waiting for: only the other nodes miss our variables. */
const patience = 5000;

/** What a program's --version prints, on both streams; whatever goes wrong, what there is of it. */
export function versionOf(command: string): Promise<string> {
  return new Promise((resolve) => {
    // With Node's own means: importing execa takes as long as Node takes to start.
    const child = execFile(command, ['--version'], { timeout: patience }, (_error, stdout, stderr) => {
      resolve(`${stdout}\n${stderr}`);
    });
    child.stdin?.end();
  });
}
