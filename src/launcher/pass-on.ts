// Sees to it that what the wrapper tells the ranks reaches those on other nodes, too.

import type { Environment } from '../environment/index.js';
import { type Launch, launcherKinds, recognise } from './kinds/index.js';

/** What the ranks are told. Where it was set before us, a user may have meant it for all nodes as well. */
const ours = /^HWLOC_SHARE_(JOB|LAUNCHER|DIR|TIMEOUT|IO|HOLE|LIBHWLOC|STRICT|VERBOSE|SPOOL)$/;

/** A command as it is to be started: the words and the environment may have had to be added to. */
export async function toAllNodes(
  { command, args }: { readonly command: string; readonly args: readonly string[] },
  env: Environment,
): Promise<Launch & { readonly kind: string | undefined }> {
  const kind = await recognise(launcherKinds, command, env.PATH ?? '', async (file) => {
    const { versionOf } = await import('./version.js');
    return versionOf(file);
  });
  if (kind === undefined) return { kind, args, env };
  // Whose job it is that has the wrapper's name: not one of several that a script behind the wrapper starts.
  const told: Environment = { ...env, HWLOC_SHARE_LAUNCHER: kind.name };
  const variables = Object.keys(told).filter((name) => ours.test(name) && told[name] !== undefined);
  return { kind: kind.name, ...(kind.passOn?.({ args, env: told }, variables) ?? { args, env: told }) };
}
