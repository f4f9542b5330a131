// How the libhwloc at hand writes and reads infinite sets: hwloc 2.11 changed it, and gave some texts another meaning.

import { libhwloc } from '../ffi/library.js';

/**
 * What stands for the digits that a text does not have, above its highest one.
 *
 * - `words`, up to hwloc 2.10: whole 64-bit words are written, and if digits of the highest are missing, they are zeros.
 * - `digits`, from hwloc 2.11 on: only what differs from all ones is written, and all missing digits are ones.
 *
 * `1-` is written as `0xf...f,0xffffffff,0xfffffffe`, or as `0xf...f,0xfffffffe`. The first means the same in both; the second means
 * `1-31,64-` in the first.
 */
export type InfiniteTexts = 'words' | 'digits';

/** What the libhwloc of this process does; without one, what the newest does. */
export function textsAtHand(): InfiniteTexts {
  let version = Infinity;
  try {
    version = libhwloc().apiVersion;
  } catch {
    // A set is a value of its own: it needs no libhwloc.
  }
  return version < 0x20b00 ? 'words' : 'digits';
}
