// How the loaded libhwloc writes and reads infinite sets. hwloc 2.11 changed this, and the meaning of some
// texts.

import { libhwloc } from '../ffi/library.js';

/**
 * What the digits above the highest one in a text are.
 *
 * - `words`, up to hwloc 2.10: libhwloc writes whole 64-bit words; missing digits of the highest word are
 *   zeros.
 * - `digits`, from hwloc 2.11 on: libhwloc writes only the digits that differ from all ones; all missing
 *   digits are ones.
 *
 * `1-` is written as `0xf...f,0xffffffff,0xfffffffe`, or as `0xf...f,0xfffffffe`. The first means the same in
 * both; the second means `1-31,64-` in `words`.
 */
export type InfiniteTexts = 'words' | 'digits';

/** The format of the libhwloc of this process; if there is none, of the newest. */
export function textsAtHand(): InfiniteTexts {
  let version = Infinity;
  try {
    version = libhwloc().apiVersion;
  } catch {
    // No libhwloc is no error here: a set does not need it.
  }
  return version < 0x20b00 ? 'words' : 'digits';
}
