// What package.json says of this package, and where the package is.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface Manifest {
  readonly version: string;
  /** The lowest version of Node that will do: `20.19`. */
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
