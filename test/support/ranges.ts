// Address ranges as ranks say them.
import type { Range } from '../../src/maps/index.js';

/** A range as parseRange() reads it: `start-end` in lower-case hex, without padding. */
export function formatRange({ start, end }: Range): string {
  return `${start.toString(16)}-${end.toString(16)}`;
}
