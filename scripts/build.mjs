// Compiles src into dist; a dist in use is never seen half written.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { bundle } from './bundle/index.mjs';
import { writeManPage } from './man.mjs';
import { projectRoot } from './node-packages.mjs';

const dist = join(projectRoot, 'dist');
const executables = ['bundle/launcher/bin.cjs'];

/**
 * Compiles into a new folder beside dist, then renames it into place.
 *
 * @throws {Error} The compiler's complaints; dist is then as it was.
 */
export async function build() {
  sweep();
  // The process id in the name tells a folder in use from one that a killed build left.
  const fresh = mkdtempSync(join(projectRoot, `.dist-${process.pid}-`));
  try {
    compile(fresh);
    await bundle(fresh);
    await writeManPage(fresh);
    makeCache(fresh);
    chmodSync(fresh, 0o755); // mkdtemp's 0700 would shut other users out
    for (const file of executables) {
      if (existsSync(join(fresh, file))) chmodSync(join(fresh, file), 0o755);
    }
    swap(fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function compile(outDir) {
  const tsc = join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc');
  const words = [tsc, '-p', 'tsconfig.build.json', '--outDir', outDir];
  const { status, stdout, stderr, error } = spawnSync(process.execPath, words, {
    cwd: projectRoot,
    encoding: 'utf8',
    timeout: 5 * 60_000,
  });
  if (status !== 0)
    throw new Error(`the build failed\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`);
}

/** Also after a move or a copy, the cache is that of the script beside it: it knows of no path. */
function makeCache(outDir) {
  const words = [join(outDir, 'bundle', 'cache.mjs')];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  // Where ranks cannot join (no libhwloc here), all else works as well.
  if (status !== 0) process.stderr.write(`no code cache, so that each rank starts some ms later: ${stderr}`);
}

/** rename(2) replaces no folder that has something in it: the old dist steps aside first, for some microseconds. */
function swap(fresh) {
  const old = `${fresh}-old`;
  try {
    for (let attempt = 1; ; attempt += 1) {
      if (existsSync(dist)) renameSync(dist, old);
      try {
        renameSync(fresh, dist);
        return;
      } catch (error) {
        // Another build put its own dist there in between.
        if (!['ENOTEMPTY', 'EEXIST'].includes(error.code) || attempt === 5) throw error;
        rmSync(old, { recursive: true, force: true });
      }
    }
  } finally {
    rmSync(old, { recursive: true, force: true });
  }
}

/** Removes what builds that were killed left beside dist. */
function sweep() {
  for (const name of readdirSync(projectRoot)) {
    const pid = /^\.dist-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      rmSync(join(projectRoot, name), { recursive: true, force: true });
    }
  }
}

if (process.argv[1] === import.meta.filename) {
  try {
    await build();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
