// The code cache: compiled code of the package, which saves each rank some milliseconds. Made here where the Node that runs has none.

import { join } from 'node:path';
import { execa } from 'execa';
import type { Finding } from './finding.js';

/** Two ranks join to make it. */
const patience = 60_000;

/** @param command  The file of hwloc-share. */
export async function checkCodeCache(command: string): Promise<Finding> {
  const subject = 'code cache';
  const made: Record<string, string> = {
    there: 'compiled code is cached',
    made: 'compiled code is now cached',
  };
  const node = `Node ${process.version.slice(1)}`;
  const { stdout, stderr, failed } = await execa(process.execPath, [join(command, '../../cache.mjs')], {
    timeout: patience,
    reject: false,
  });
  const how = stdout.trim();
  const text = failed ? undefined : made[how];
  if (text !== undefined) return { subject, level: 'ok', text: `${text} for ${node}`, facts: { how } };
  const why = stderr.trim().split('\n').at(-1) ?? '';
  return {
    subject,
    level: 'warning',
    text:
      `no compiled code is cached for ${node} (${why}), so each rank starts about 4 ms later; ` +
      `a user who can write to ${join(command, '../..')} can run doctor once`,
    facts: { how: 'missing' },
  };
}
