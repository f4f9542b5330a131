// The built product, as users run it: `npm test` builds dist before it starts vitest.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const dist = join(root, process.env.HWLOC_SHARE_TEST_DIST ?? 'dist');

/** The path of a built file, e.g. `rank/index.js`. HWLOC_SHARE_TEST_DIST names another folder than dist, from the root. */
export function distFile(path: string): string {
  const file = join(dist, path);
  if (!existsSync(file)) throw new Error(`${file} is not built: npm run build, or npm test`);
  return file;
}

/** The command `hwloc-share args…`, to put in front of a launcher and its arguments. */
export function wrapper(...args: string[]): string[] {
  return [process.execPath, distFile('bundle/launcher/bin.cjs'), ...args];
}
