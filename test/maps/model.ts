// The brute-force model that ranges and holes are checked against: one boolean a page.
import type { Range } from '../../src/maps/index.js';

/** `taken[i]`: page i is in at least one of `ranges`, which are in pages. */
export function bitmap(ranges: Iterable<Range>, pages: number): boolean[] {
  const taken = Array.from({ length: pages }, () => false);
  for (const { start, end } of ranges) taken.fill(true, start, end);
  return taken;
}

/** The longest runs of pages that have `value`, in ascending order. */
export function runs(pages: readonly boolean[], value: boolean): Range[] {
  const found: Range[] = [];
  let start: number | undefined;
  for (let page = 0; page <= pages.length; page++) {
    const inside = page < pages.length && pages[page] === value;
    if (inside) start ??= page;
    else if (start !== undefined) {
      found.push({ start, end: page });
      start = undefined;
    }
  }
  return found;
}
