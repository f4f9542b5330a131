// Reads and writes addresses in hex.

const ADDRESS = /^[\da-f]{1,16}$/i;

/**
 * Reads an address in hex without prefix, as the kernel prints it.
 *
 * A double holds every page-aligned 64-bit address exactly: its last 12 bits are zero, so 52 are left. An
 * address beyond 2^53 that is not page-aligned is refused, since it would be rounded without notice.
 *
 * @returns the address; undefined if `word` is anything but 1 to 16 hex digits (of either case).
 */
export function parseAddress(word: string): number | undefined {
  if (!ADDRESS.test(word)) return undefined;
  // Parsing digit by digit in JavaScript takes ten times as long in code that has not run before, and in a
  // rank this code never has.
  const address = Number.parseInt(word, 16);
  return address <= Number.MAX_SAFE_INTEGER || word.endsWith('000') ? address : undefined;
}

/** Writes an address, or a count of bytes, in lower-case hex with its `0x`. Exact for what {@link parseAddress} reads. */
export function formatAddress(address: number): string {
  return `0x${address.toString(16)}`;
}
