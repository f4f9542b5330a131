// Node: whether it is a version that the package runs on.

import { asRoot } from './distribution.js';
import type { Finding } from './finding.js';

/**
 * @param version  Of this Node: `v20.19.1`.
 * @param lowest   That will do: `20.19`.
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
