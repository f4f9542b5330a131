// Addresses in hex: strict reading, plain writing.

const ADDRESS = /^[\da-f]{1,16}$/i;

/**
 * Reads an address in hex without prefix, as the kernel prints it.
 *
 * A double holds every page-aligned 64-bit address exactly: its last 12 bits are zero, so 52 are left. An address beyond
 * 2^53 that is not page-aligned is refused, for it would be rounded in silence.
 *
 * @returns the address, or undefined unless there are 1 to 16 hex digits (of either case) and nothing else.
 */
export function parseAddress(word: string): number | undefined {
  if (!ADDRESS.test(word)) return undefined;
  // Digit by digit in JavaScript this takes ten times as long in code that has not run before, which ours never has.
  const address = Number.parseInt(word, 16);
  return address <= Number.MAX_SAFE_INTEGER || word.endsWith('000') ? address : undefined;
}

/** Writes an address, or a count of bytes, in lower-case hex with its `0x`. Exact for what {@link parseAddress} reads. */
export function formatAddress(address: number): string {
  return `0x${address.toString(16)}`;
}
