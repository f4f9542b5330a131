// The occupied ranges of one process or of several together.
import { readFileSync } from 'node:fs';
import type { Mapping } from './parse.js';
import { rangeSet, union, type Range, type RangeSet } from './ranges.js';

/** The occupied addresses of one process, or of several together. */
export interface Occupied {
  readonly ranges: RangeSet;
  /** The end of the heap (brk), the highest one of several processes. Absent if no process has one. */
  readonly heapEnd?: number;
  /**
   * The start of the main thread's stack, the lowest one of several processes. Absent if no process has one.
   */
  readonly stackStart?: number;
}

/** The occupied ranges that one process reports, for {@link combine}. The ranges may be in any order. */
export type Claimed = Omit<Occupied, 'ranges'> & { readonly ranges: readonly Range[] };

/** The occupied ranges of one process, from its mappings. */
export function occupiedFrom(mappings: readonly Mapping[]): Occupied {
  let heapEnd: number | undefined;
  let stackStart: number | undefined;
  for (const { path, start, end } of mappings) {
    // Several mappings in a row may have the name [heap], if parts of it have different permissions.
    if (path === '[heap]') heapEnd = Math.max(heapEnd ?? 0, end);
    // Not [stack:TID], the name of other threads' stacks in Linux 3.4 to 4.4: those lie among the libraries.
    else if (path === '[stack]') stackStart = Math.min(stackStart ?? Infinity, start);
  }
  return occupied(rangeSet(mappings), heapEnd, stackStart);
}

/** The ranges that are occupied in at least one process. */
export function combine(all: readonly Claimed[]): Occupied {
  let heapEnd: number | undefined;
  let stackStart: number | undefined;
  for (const one of all) {
    if (one.heapEnd !== undefined) heapEnd = Math.max(heapEnd ?? 0, one.heapEnd);
    if (one.stackStart !== undefined) stackStart = Math.min(stackStart ?? Infinity, one.stackStart);
  }
  return occupied(union(...all.map((one) => one.ranges)), heapEnd, stackStart);
}

/** Whether a range is free in all processes. Needs no union of their ranges, which takes longer. */
export function isFree({ start, end }: Range, all: readonly Claimed[]): boolean {
  return all.every(({ ranges }) => ranges.every((taken) => taken.end <= start || taken.start >= end));
}

/**
 * The occupied ranges of this process now, from /proc/self/maps. Other threads (V8's, libuv's) continue to
 * map memory: a free range may be occupied by the time the caller uses it.
 *
 * @throws Error  of node:fs, if /proc is not mounted.
 */
export function ownOccupied(): Occupied {
  return scanOccupied(ownMaps());
}

/** The occupied ranges of one process, as it sends them to another. */
export interface Told {
  /** The ranges, in ascending order, no two touching, in the form that {@link parseRange} reads. */
  readonly words: readonly string[];
  readonly heapEnd: number | undefined;
  readonly stackStart: number | undefined;
}

/** Like {@link ownOccupied}, but as the kernel's own text: a member only passes it on. */
export function ownTold(): Told {
  return scan(ownMaps());
}

/** Like `occupiedFrom(parseMaps(text))`, for text that {@link scan} accepts. */
export function scanOccupied(text: string): Occupied {
  const { words, heapEnd, stackStart } = scan(text);
  return occupied(words.map(toRange), heapEnd, stackStart);
}

/**
 * Merges mappings that touch. The text must come straight from the kernel: whole lines, well formed, in
 * ascending order, without overlaps.
 *
 * The kernel keeps the order even if reading the text takes several reads (each returns at most a page) and
 * the process maps memory meanwhile: Documentation/filesystems/proc.rst, under "smaps".
 *
 * Every rank runs this once, at its start, in code that has not run before: 0.23 ms for 100 mappings on a
 * slow machine, where parseMaps and occupiedFrom took 1.0 ms. Most mappings begin where the previous one
 * ends, and this can be seen without converting anything.
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
    // The comparison copies nothing out of the text: of 125 mappings of a Node process, 90 begin where the
    // previous one ends.
    const touches = dash - line === end.length && text.startsWith(end, line);
    if (!touches) {
      if (end !== '') words.push(`${start}-${end}`);
      start = text.slice(line, dash);
    }
    end = text.slice(dash + 1, space);
    // A file's path may end in " [heap]" too, but only memory without a file has these zeros after its
    // permissions.
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
