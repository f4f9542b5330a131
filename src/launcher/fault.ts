// A fault of the program itself: what is said of it, so that it can be mended.

import { release } from 'node:os';
import { messageOf } from './errors.js';
import { readManifest } from './manifest.js';

/** Says that an error is not the user's, and where it happened: the message first, the stack in the lines below. */
export async function describeFault(error: unknown): Promise<string> {
  const version = await readManifest().then(
    (manifest) => manifest.version,
    () => 'of an unknown version',
  );
  const [, ...frames] = error instanceof Error ? (error.stack ?? '').split(/\n(?=\s+at )/) : [];
  const first =
    `a fault of hwloc-share itself: ${messageOf(error)}; please report it with these lines ` +
    `(hwloc-share ${version}, Node ${process.version}, Linux ${release()})`;
  return [first, ...frames].join('\n');
}
