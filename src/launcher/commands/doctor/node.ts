// Checks Node: whether the package supports this version, and whether compiled code of the package is cached
// for it. The cache saves each rank some milliseconds. If it is missing, it is made here.

import { join } from 'node:path';
import { execa } from 'execa';
import { asRoot } from './distribution.js';
import type { Finding } from './finding.js';

/**
 * @param version  The version of this Node: `v20.19.1`.
 * @param lowest   The lowest supported version: `20.19`.
 */
export function checkNode(version: string, lowest: string): Finding {
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
  const [lowestMajor = 0, lowestMinor = 0] = lowest.split('.').map(Number);
  const facts = { version: version.slice(1), lowest, file: process.execPath };
  if (major > lowestMajor || (major === lowestMajor && minor >= lowestMinor)) {
    return { subject: 'node', level: 'ok', text: `Node ${version.slice(1)}`, facts };
  }
  return {
    subject: 'node',
    level: 'problem',
    text: `Node ${version.slice(1)} is too old: ${lowest} or later is needed`,
    mend: asRoot('npm install --global node@22'),
    facts,
  };
}

/** Two ranks join to make the cache. */
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
