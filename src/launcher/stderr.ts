// Saying something on stderr, beside the job that writes there as well.

import { writeSync } from 'node:fs';
import { bytesOf } from '../environment/index.js';

/** One line on stderr. Not through process.stderr, which would make a pipe non-blocking that is the job's as well. */
export function complain(text: string): void {
  try {
    writeSync(2, bytesOf(`hwloc-share: ${text}\n`));
  } catch {
    // A closed or full stderr is no reason to fail a job.
  }
}
