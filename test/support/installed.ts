// The built package in a folder of its own, as npm lays it out.
import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { copyRuntimePackages } from './runtime-packages.js';
import { temporaryFolder } from './temporary.js';
import { distFile } from './wrapper.js';

const root = resolve(import.meta.dirname, '../..');

export interface Installation {
  /** Where a user's job is; its node_modules holds the package. */
  readonly folder: string;
  /** The folder of the package. */
  readonly installed: string;
  /** The file of the command. */
  readonly command: string;
}

/** Installs what was built into an empty folder, with what npm puts beside it, or with all of that but koffi. */
export function install({ koffi }: { koffi: boolean }): Installation {
  const folder = temporaryFolder();
  const modules = join(folder, 'node_modules');
  const installed = join(modules, 'hwloc-share');
  mkdirSync(installed, { recursive: true });
  cpSync(dirname(distFile('bundle')), join(installed, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(installed, 'package.json'));
  copyRuntimePackages(folder, koffi ? undefined : /^node_modules\/(koffi|@koromix)\b/);
  return { folder, installed, command: join(installed, 'dist/bundle/launcher/bin.cjs') };
}
