// A plugin of hwloc whose discovery does not end, built from C: a real one, which libhwloc loads by itself.
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './temporary.js';

/** What it is built with. */
export const forPlugins = ['cc', '/usr/include/stdio.h', '/usr/include/hwloc/plugins.h'] as const;

const source = join(import.meta.dirname, 'fixtures/endless.c');

/**
 * Builds it.
 *
 * @param name  Of its component; its file is called `hwloc_endless.so` in any case.
 * @returns the folder that it is in, for HWLOC_PLUGINS_PATH.
 */
export function endlessPlugin(name = 'endless'): string {
  const folder = mkdtempSync(join(temporaryFolder(), 'plugins-'));
  const strict = ['-std=c99', '-D_POSIX_C_SOURCE=199309L', '-Wall', '-Wextra', '-Werror'];
  const target = join(folder, 'hwloc_endless.so');
  execFileSync('cc', [...strict, `-DNAME="${name}"`, '-shared', '-fPIC', '-o', target, source], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
  return folder;
}
