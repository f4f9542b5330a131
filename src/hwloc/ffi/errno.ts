// The names of errno's numbers.

import { koffi } from './koffi.js';

// Of two names for one number, the one that manuals use.
const aliases = ['EWOULDBLOCK', 'EDEADLOCK', 'EOPNOTSUPP'];

/** `EBUSY` for 16, and `E<number>` for a number that this system does not name. */
export function errnoName(errno: number): string {
  // Looked through at each failure: a table made beforehand is 80 KB of garbage for each rank, most of which never see a failure.
  const found = Object.entries(koffi.os.errno).find(
    ([name, number]) => number === errno && !aliases.includes(name),
  );
  return found?.[0] ?? `E${errno}`;
}
