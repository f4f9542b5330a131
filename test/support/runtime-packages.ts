// The packages that this one runs with: what npm installs beside it.
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

/** Their paths below node_modules, as package-lock.json has them. Those of other platforms are not there. */
function runtimePackages(): string[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && dev !== true && existsSync(join(root, path)))
    .map(([path]) => path);
}

/** Copies them, for other users may not be let into the folder of this project. @param leaveOut  Packages that are to be missing. */
export function copyRuntimePackages(folder: string, leaveOut = /^$/): void {
  for (const path of runtimePackages()) {
    if (leaveOut.test(path)) continue;
    cpSync(join(root, path), join(folder, path), { recursive: true });
  }
}
