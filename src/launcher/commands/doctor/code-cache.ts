// The code cache: compiled code of the package, which saves each rank some milliseconds. Made here where the Node that runs has none.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { Finding } from './finding.js';

/** Two ranks join to make it. */
const patience = 60_000;

/** @param command  The file of hwloc-share. */
export function checkCodeCache(command: string): Promise<Finding> {
  const subject = 'code cache';
  const made = { there: 'compiled code is cached', made: 'compiled code is now cached' };
  const node = `Node ${process.version.slice(1)}`;
  return new Promise((resolve) => {
    const words = [join(command, '../../cache.mjs')];
    execFile(process.execPath, words, { timeout: patience }, (error, stdout, stderr) => {
      const how = stdout.trim();
      if (error === null && (how === 'there' || how === 'made')) {
        resolve({ subject, level: 'ok', text: `${made[how]} for ${node}`, facts: { how } });
        return;
      }
      const why = stderr.trim().split('\n').at(-1) ?? '';
      resolve({
        subject,
        level: 'warning',
        text:
          `no compiled code is cached for ${node} (${why}), so each rank starts some 4 ms later; ` +
          `a user who can write to ${join(command, '../..')} can run doctor once`,
        facts: { how: 'missing' },
      });
    });
  });
}
