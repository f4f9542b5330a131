// Parts of the product that dist does not have by themselves, for processes of their own.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { temporaryFolder } from './temporary.js';

const root = join(import.meta.dirname, '..', '..');

/** A module of src, with all that it imports, as a file that plain Node can import. For example `channel/index.ts`. */
export function compiled(path: string): string {
  const file = join(temporaryFolder(), 'module.mjs');
  // The file is not where Node would find packages: they are named in full.
  const koffi = createRequire(import.meta.url).resolve('koffi');
  buildSync({
    entryPoints: [join(root, 'src', path)],
    outfile: file,
    bundle: true,
    alias: { koffi },
    external: [koffi],
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
  });
  return file;
}
