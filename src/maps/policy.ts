// The policies for choosing a hole, by name.
import { formatAddress, parseAddress } from './hex.js';

/** The kinds of hole that PMIx and PRRTE know by these names (their parameter `vmhole`). */
export type HoleKind = 'begin' | 'biggest' | 'libs' | 'heap' | 'stack';

/** How to choose a hole; {@link chooseHole} says what each does. */
export type HolePolicy = 'scatter' | HoleKind | { readonly address: number };

const NAMES: readonly string[] = ['scatter', 'begin', 'biggest', 'libs', 'heap', 'stack'];

/**
 * Reads a policy as a user writes it: a name in lower case, or an address as `0x` and 1 to 16 hex digits.
 * {@link chooseHole} checks whether the address is page-aligned, since it knows the page size.
 *
 * @returns the policy; undefined if `text` is neither.
 */
export function parsePolicy(text: string): HolePolicy | undefined {
  if (isName(text)) return text;
  const address = text.startsWith('0x') ? parseAddress(text.slice(2)) : undefined;
  return address === undefined ? undefined : { address };
}

/** Writes a policy as {@link parsePolicy} reads it. */
export function formatPolicy(policy: HolePolicy): string {
  return typeof policy === 'string' ? policy : formatAddress(policy.address);
}

function isName(text: string): text is 'scatter' | HoleKind {
  return NAMES.includes(text);
}
