// The built product as another user runs it. Only root can start programs as another user.
import { chmodSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { copyRuntimePackages } from './runtime-packages.js';
import { temporaryFolder } from './temporary.js';
import { distFile } from './wrapper.js';

/** A user whom every system has, and who owns nothing. */
export const nobody = 65_534;

/** The beginning of a command line that runs the rest as another user. */
export function asUser(uid: number): [command: string, ...words: string[]] {
  return ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--'];
}

/** Installs the product in a folder that every user can read, which this project's own may not be. @returns the folder */
export function installForAll(folder = temporaryFolder()): string {
  const root = join(distFile('.'), '..');
  const installed = join(folder, 'node_modules/hwloc-share');
  copyRuntimePackages(folder);
  cpSync(distFile('bundle'), join(installed, 'dist/bundle'), { recursive: true });
  cpSync(join(root, 'package.json'), join(installed, 'package.json'));
  chmodSync(folder, 0o755);
  return folder;
}

/** The command `hwloc-share args…` of the product in such a folder. */
export function wrapperIn(folder: string, ...args: string[]): string[] {
  return [process.execPath, join(folder, 'node_modules/hwloc-share/dist/bundle/launcher/bin.cjs'), ...args];
}
