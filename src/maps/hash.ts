// A hash of a short string, to scatter addresses: well distributed, not for secrets.

/**
 * FNV-1a, then MurmurHash3's finalizer: FNV alone leaves strings that differ in their last character only, as the keys of
 * successive jobs do, close together. Not node:crypto: importing it costs start-up time.
 *
 * @returns an integer in [0, 2^32), the same on every machine and in every version of Node.
 */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
