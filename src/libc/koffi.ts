// Loads koffi: its native half directly from where npm puts it, otherwise through koffi's own loader.

import type * as Koffi from 'koffi';
import { KoffiNotLoadedError } from './errors.js';

/** The part of koffi that this project uses. All of it is in the native half. */
type Native = typeof Koffi;

/**
 * koffi's own loader opens seven files and reads the ELF header of Node, to choose one of its binaries. This
 * takes 8 to 13 ms and as many requests to a shared file system: more than everything that a rank does with
 * koffi.
 *
 * If koffi cannot be loaded, its first use throws, not the import of this file: a program must not fail
 * because of an import.
 */
export const koffi: Native = shortWay() ?? itsOwnWay();

export type { LibraryHandle } from 'koffi';

/** The version of koffi. @throws KoffiNotLoadedError */
export function koffiVersion(): string {
  return koffi.version;
}

function itsOwnWay(): Native {
  // Not imported at the top: Node would load it in each rank.
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
  // This file is two folders below the package root, both in src and in dist. In dist/bundle its text is
  // three folders below.
  const twoAbove = above(above(import.meta.dirname));
  const packageFolder = import.meta.dirname.endsWith('/libc') ? twoAbove : above(twoAbove);
  const beside = above(packageFolder);
  const inside = `${packageFolder}/node_modules`;
  // npm puts packages side by side. In a global installation, and in this project's own checkout, koffi is
  // nested inside.
  const places = beside.endsWith('/node_modules') ? [beside, inside] : [inside];
  const platform = `linux-${process.arch}`;
  for (const place of places) {
    const module: { exports: Partial<Native> } = { exports: {} };
    try {
      process.dlopen(module, `${place}/@koromix/koffi-${platform}/linux_${process.arch}/koffi.node`);
    } catch {
      // Another layout (pnpm, Yarn), another libc (musl), or built from source: koffi's own loader handles
      // all of them.
      continue;
    }
    if (module.exports.version?.startsWith('3.') === true) return module.exports;
  }
  return undefined;
}

/** Not dirname() of node:path: Node would have to compile it for this call. */
function above(folder: string): string {
  return folder.slice(0, folder.lastIndexOf('/'));
}
