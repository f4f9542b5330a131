// What is taken in a process's address space, or in several at once.
import { readFileSync } from 'node:fs';
import type { Mapping } from './parse.js';
import { rangeSet, union, type Range, type RangeSet } from './ranges.js';

/** The occupied addresses of one process, or of several together. */
export interface Occupied {
  readonly ranges: RangeSet;
  /** Where the heap (brk) ends, the highest one of several processes. Absent if no process has one. */
  readonly heapEnd?: number;
  /** Where the main thread's stack starts, the lowest one of several processes. Absent if no process has one. */
  readonly stackStart?: number;
}

/** What one process says that it occupies, for {@link combine}: its ranges in any order. */
export type Claimed = Omit<Occupied, 'ranges'> & { readonly ranges: readonly Range[] };

/** What `mappings`, those of one process, occupy. */
export function occupiedFrom(mappings: readonly Mapping[]): Occupied {
  let heapEnd: number | undefined;
  let stackStart: number | undefined;
  for (const { path, start, end } of mappings) {
    // Several mappings in a row may be called [heap], if parts of it differ in their permissions.
    if (path === '[heap]') heapEnd = Math.max(heapEnd ?? 0, end);
    // Not [stack:TID], which Linux 3.4 to 4.4 shows for other threads: those lie among the libraries.
    else if (path === '[stack]') stackStart = Math.min(stackStart ?? Infinity, start);
  }
  return occupied(rangeSet(mappings), heapEnd, stackStart);
}

/** What is occupied in at least one of `all`. */
export function combine(all: readonly Claimed[]): Occupied {
  let heapEnd: number | undefined;
  let stackStart: number | undefined;
  for (const one of all) {
    if (one.heapEnd !== undefined) heapEnd = Math.max(heapEnd ?? 0, one.heapEnd);
    if (one.stackStart !== undefined) stackStart = Math.min(stackStart ?? Infinity, one.stackStart);
  }
  return occupied(union(...all.map((one) => one.ranges)), heapEnd, stackStart);
}

/**
 * What this process occupies now, from /proc/self/maps. Other threads (V8's, libuv's) go on mapping: by the time the caller
 * looks, a range that was free may be taken.
 *
 * @throws Error  of node:fs, where /proc is not mounted.
 */
export function ownOccupied(): Occupied {
  return scanOccupied(ownMaps());
}

/** What one process occupies as it tells another. */
export interface Told {
  /** The ranges, in ascending order, none touching the next, as {@link parseRange} reads them. */
  readonly words: readonly string[];
  readonly heapEnd: number | undefined;
  readonly stackStart: number | undefined;
}

/** The same as {@link ownOccupied}, in the kernel's own words: a member only passes them on. */
export function ownTold(): Told {
  return scan(ownMaps());
}

/** The same as `occupiedFrom(parseMaps(text))`, for text as {@link scan} takes it. */
export function scanOccupied(text: string): Occupied {
  const { words, heapEnd, stackStart } = scan(text);
  return occupied(words.map(toRange), heapEnd, stackStart);
}

/**
 * Puts together the mappings that touch, in text that comes straight from the kernel: whole lines, well formed, in ascending order, never
 * overlapping.
 *
 * The kernel promises the order even where the text takes several reads (it gives at most a page for each) and the process
 * maps meanwhile: Documentation/filesystems/proc.rst, under "smaps".
 *
 * Every rank runs this once, cold, at its start: 0.23 ms for 100 mappings on a slow machine, where parseMaps and
 * occupiedFrom took 1.0. Most mappings begin where the one before ends, and nothing has to be converted to see that.
 */
function scan(text: string): Told {
  const words: string[] = [];
  let heapEnd: number | undefined;
  let stackStart: number | undefined;
  let start = '';
  let end = '';
  for (let line = 0; line < text.length;) {
    const newline = text.indexOf('\n', line);
    if (newline === -1) break;
    const dash = text.indexOf('-', line);
    const space = text.indexOf(' ', dash);
    // Nothing is cut out of the text to be compared: of 125 mappings of a Node process, 90 begin where the one before ends.
    const touches = dash - line === end.length && text.startsWith(end, line);
    if (!touches) {
      if (end !== '') words.push(`${start}-${end}`);
      start = text.slice(line, dash);
    }
    end = text.slice(dash + 1, space);
    // A file's path may end in " [heap]" too; only memory without a file has these zeros behind its permissions.
    if (
      text.charCodeAt(newline - 1) === CLOSING_BRACKET &&
      text.startsWith(' 00000000 00:00 0 ', space + 5)
    ) {
      if (text.startsWith(' [heap]', newline - 7)) heapEnd = Number.parseInt(end, 16);
      if (text.startsWith(' [stack]', newline - 8))
        stackStart ??= Number.parseInt(text.slice(line, dash), 16);
    }
    line = newline + 1;
  }
  if (end !== '') words.push(`${start}-${end}`);
  return { words, heapEnd, stackStart };
}

const CLOSING_BRACKET = 0x5d;

function ownMaps(): string {
  return readFileSync('/proc/self/maps', 'utf8');
}

function toRange(word: string): Range {
  return { start: Number.parseInt(word, 16), end: Number.parseInt(word.slice(word.indexOf('-') + 1), 16) };
}

function occupied(ranges: RangeSet, heapEnd: number | undefined, stackStart: number | undefined): Occupied {
  return {
    ranges,
    ...(heapEnd !== undefined && { heapEnd }),
    ...(stackStart !== undefined && { stackStart }),
  };
}
