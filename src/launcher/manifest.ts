// Facts from package.json, the location of the package, and the message for a fault of the program itself.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { messageOf } from '../errors/index.js';

export interface Manifest {
  readonly version: string;
  /** The lowest supported version of Node: `20.19`. */
  readonly lowestNode: string;
  /** The file of the command. */
  readonly command: string;
}

export async function readManifest(): Promise<Manifest> {
  const file = createRequire(import.meta.url).resolve('hwloc-share/package.json');
  const { version, engines, bin } = JSON.parse(await readFile(file, 'utf8')) as {
    version: string;
    engines: { node: string };
    bin: Record<string, string>;
  };
  return {
    version,
    lowestNode: engines.node.replace(/^>=/, ''),
    command: join(dirname(file), bin['hwloc-share'] ?? ''),
  };
}

/** Describes a fault of the program itself: first the message, then the stack in the lines below. */
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
