// Writes lines to stderr, which the job uses too.

import { writeSync } from 'node:fs';
import { bytesOf } from '../environment/index.js';

/**
 * Writes one line to stderr. Not through process.stderr, which would make a pipe non-blocking that the job
 * uses too.
 */
export function complain(text: string): void {
  try {
    writeSync(2, bytesOf(`hwloc-share: ${text}\n`));
  } catch {
    // A closed or full stderr is no reason to fail a job.
  }
}
