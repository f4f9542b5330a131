// `node bin.mjs DIRECTORY [lock]`: writes this node's topology into a directory as XML, within
// HWLOC_SHARE_TIMEOUT.
//
// With `lock`, for front.sh, it makes a roll in the directory and holds the owner's byte, so that no other
// job removes the directory as the leftover of a dead job. This may already have happened before. Exits with
// 3 if another process holds the byte.

import { mkdirSync, writeSync } from 'node:fs';
import { createRoll, ownerByte } from '../channel/index.js';
import { codeOf } from '../errors/index.js';
import { rootsOf } from '../channel/place/index.js';
import { environment, hostName, settingsFrom, temporaryDirectory } from '../environment/index.js';
import { libhwloc } from '../hwloc/index.js';
import { writeXmlFile } from './index.js';

const env = environment();
const settings = settingsFrom(env);

function say(text: string): void {
  try {
    writeSync(2, `hwloc-share: node ${hostName()}: ${text}\n`);
  } catch {
    // A closed or full stderr is no reason to fail a job.
  }
}

const [directory = '', lock] = process.argv.slice(2);

/** Takes the directory for this process. @returns whether this process owns it */
function isLocked(): boolean {
  for (;;) {
    mkdirSync(directory, { mode: 0o700, recursive: true });
    try {
      const roll = createRoll(`${directory}/roll`);
      if (roll.take(ownerByte) === 'taken') return true;
      // Another job took it for a dead one's before it was locked, and removes it.
      roll.close();
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EEXIST') return false;
      if (code !== 'ENOENT') throw error;
    }
  }
}

const giveUp = setTimeout(() => {
  say(
    `no XML file within ${settings.timeout} s (HWLOC_SHARE_TIMEOUT); programs discover the machine for themselves`,
  );
  // Not exit(): it would wait for the thread on which the discovery hangs.
  process.kill(process.pid, 'SIGKILL');
}, settings.timeout * 1000);

try {
  libhwloc(settings.libhwloc);
  if (lock !== undefined && !isLocked()) process.exit(3);
  const roots = rootsOf(settings.directory, env.XDG_RUNTIME_DIR, temporaryDirectory(env));
  const { bytes, kept } = await writeXmlFile(directory, { env, roots, seconds: settings.timeout }, say);
  if (settings.verbose) {
    const age = kept === undefined ? '' : `, kept for ${((Date.now() - kept) / 1000).toFixed(0)} s`;
    say(`wrote the topology for HWLOC_XMLFILE, ${bytes} bytes${age}`);
  }
} catch (error) {
  const reason = error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error);
  say(`no XML file: ${reason}; programs discover the machine for themselves`);
  process.exitCode = 1;
} finally {
  clearTimeout(giveUp);
}
