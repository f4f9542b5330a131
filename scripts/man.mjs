// Writes the man page hwloc-share(1), from the compiled command's own words.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { projectRoot } from './node-packages.mjs';

/** @param {string} outDir  Where the compiled files are; man/man1/hwloc-share.1 is made in it: where man(1) finds it, with `man` in MANPATH. */
export async function writeManPage(outDir) {
  const load = (file) => import(pathToFileURL(join(outDir, 'launcher', file)).href);
  const [{ manPage }, { commands }] = await Promise.all([load('man/page.js'), load('commands/index.js')]);
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
  const folder = join(outDir, 'man/man1');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'hwloc-share.1'), await manPage(commands, version, dateOfBuild()));
}

/** https://reproducible-builds.org/specs/source-date-epoch/ */
function dateOfBuild() {
  const seconds = Number(process.env.SOURCE_DATE_EPOCH);
  const date = seconds > 0 ? new Date(seconds * 1000) : new Date();
  return date.toISOString().slice(0, 10);
}
