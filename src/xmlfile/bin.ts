// `node bin.mjs DIRECTORY`: writes this node's topology into a directory as XML, within HWLOC_SHARE_TIMEOUT.

import { writeSync } from 'node:fs';
import { environment, hostName, settingsFrom } from '../environment/index.js';
import { libhwloc } from '../hwloc/index.js';
import { writeXmlFile } from './index.js';

const settings = settingsFrom(environment());

function say(text: string): void {
  try {
    writeSync(2, `hwloc-share: node ${hostName()}: ${text}\n`);
  } catch {
    // A closed or full stderr is no reason to fail a job.
  }
}

const giveUp = setTimeout(() => {
  say(
    `no XML file within ${settings.timeout} s (HWLOC_SHARE_TIMEOUT); programs discover the machine for themselves`,
  );
  // Not exit(): that waits for the thread on which the discovery hangs.
  process.kill(process.pid, 'SIGKILL');
}, settings.timeout * 1000);

try {
  libhwloc(settings.libhwloc);
  const { bytes } = await writeXmlFile(process.argv[2] ?? '', settings.timeout, say);
  if (settings.verbose) say(`wrote the topology for HWLOC_XMLFILE, ${bytes} bytes`);
} catch (error) {
  const reason = error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error);
  say(`no XML file: ${reason}; programs discover the machine for themselves`);
  process.exitCode = 1;
} finally {
  clearTimeout(giveUp);
}
