// koffi, by the short way: its native half straight from where npm puts it, else through koffi's own loader.

import type * as Koffi from 'koffi';
import { KoffiNotLoadedError } from './errors.js';

/** What this binding uses of it; all of that is in the native half. */
type Native = typeof Koffi;

/**
 * Koffi's own loader opens seven files and reads the ELF header of Node to choose one of its binaries; a rank would pay more for that
 * (8 to 13 ms, and as many requests to a shared file system) than for all that it asks of koffi.
 *
 * Where koffi cannot be loaded, its first use throws, not the import of this file: a program must not fail because of what it imports.
 */
export const koffi: Native = shortWay() ?? itsOwnWay();

export type { LibraryHandle } from 'koffi';

/** The version of koffi. @throws KoffiNotLoadedError */
export function koffiVersion(): string {
  return koffi.version;
}

function itsOwnWay(): Native {
  // Not imported above: Node would load it for each rank.
  const { createRequire } = process.getBuiltinModule('node:module');
  try {
    return createRequire(import.meta.url)('koffi') as Native;
  } catch (error) {
    return unusable(new KoffiNotLoadedError(error));
  }
}

function unusable(reason: KoffiNotLoadedError): Native {
  const get = (): never => {
    throw reason;
  };
  return new Proxy({} as Native, { get });
}

function shortWay(): Native | undefined {
  // This file is two folders below the package in src and in dist. In dist/bundle its text is three folders below.
  const twoAbove = above(above(import.meta.dirname));
  const packageFolder = import.meta.dirname.endsWith('/libc') ? twoAbove : above(twoAbove);
  const beside = above(packageFolder);
  const inside = `${packageFolder}/node_modules`;
  // npm lays packages out side by side. It nests them in a global installation; and in its own checkout a package has all inside.
  const places = beside.endsWith('/node_modules') ? [beside, inside] : [inside];
  const platform = `linux-${process.arch}`;
  for (const place of places) {
    const module: { exports: Partial<Native> } = { exports: {} };
    try {
      process.dlopen(module, `${place}/@koromix/koffi-${platform}/linux_${process.arch}/koffi.node`);
    } catch {
      // Laid out otherwise (pnpm, Yarn), another libc (musl), built from source: koffi knows them all.
      continue;
    }
    if (module.exports.version?.startsWith('3.') === true) return module.exports;
  }
  return undefined;
}

/** Not node:path's dirname(), which would have to be compiled for this. */
function above(folder: string): string {
  return folder.slice(0, folder.lastIndexOf('/'));
}
