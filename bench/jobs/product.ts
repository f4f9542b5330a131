// hwloc-share as a user has it: the built package in its folder, found as an import finds it.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** A built hwloc-share. */
export interface Product {
  /** The package's folder. */
  readonly root: string;
  /** The folder of this benchmark's rank programs and peers. */
  readonly bench: string;
  /** The URL of what `import 'hwloc-share/NAME'` loads. */
  module(name: 'rank' | 'hwloc'): string;
  /** The command `hwloc-share`. */
  readonly command: readonly string[];
}

/** @param root  The package's folder, built. @param bench  The folder of the benchmark's programs. */
export function productIn(root: string, bench: string): Product {
  const manifest = join(root, 'package.json');
  const find = createRequire(manifest);
  const { bin } = find(manifest) as { bin: Record<string, string> };
  return {
    root,
    bench,
    module: (name) => pathToFileURL(find.resolve(`hwloc-share/${name}`)).href,
    command: [process.execPath, join(root, bin['hwloc-share'] ?? '')],
  };
}
