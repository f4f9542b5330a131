// Reads the text of /proc/<pid>/maps, and the `start-end` words in it that ranks send each other.
import { MapsFormatError } from './errors.js';
import { parseAddress } from './hex.js';
import type { Range } from './ranges.js';

/** One mapping of a process: one line of /proc/<pid>/maps. */
export interface Mapping extends Range {
  /** Four characters: `r`, `w`, `x` (or `-`), then `p` for private or `s` for shared. */
  readonly permissions: string;
  /**
   * The file's path, with ` (deleted)` at the end as the kernel prints it, or a name such as `[heap]`; empty
   * for an anonymous mapping. The kernel prints a newline in a path as `\012`; here it is a newline again.
   * (The kernel does not escape the backslash itself. So a path that really contains these four characters
   * looks the same. The kernel prints no other escapes.)
   */
  readonly path: string;
}

/**
 * Reads the text of /proc/<pid>/maps.
 *
 * The text may end in the middle of a line, if a reader's buffer was too small. Such a line is used if it has
 * its range and its permissions with the space after them (its path may then be shortened). A shorter line is
 * left out, since `7f00-7f` may be the beginning of a far longer range.
 *
 * @throws MapsFormatError  a line cannot be a line of maps. At the end of the text: it cannot be the
 *   beginning of one.
 * @see proc_pid_maps(5); show_map_vma() in the kernel's fs/proc/task_mmu.c
 */
export function parseMaps(text: string): Mapping[] {
  const mappings: Mapping[] = [];
  for (let from = 0, number = 1; from < text.length; number++) {
    const newline = text.indexOf('\n', from);
    const cut = newline === -1;
    const line = text.slice(from, cut ? text.length : newline);
    const mapping = parseLine(line, cut);
    if (mapping !== undefined) mappings.push(mapping);
    else if (!cut || !UNUSABLE.test(line)) throw new MapsFormatError(number, line);
    from += line.length + 1;
  }
  return mappings;
}

/**
 * Reads one range as in maps and in the protocol: `start-end`, 1 to 16 hex digits each, without `0x`.
 *
 * @returns the range; undefined if `word` is anything else, if the range is empty or inverted, or if one of
 *   its ends is beyond 2^53 and not page-aligned: a double could not hold that exactly.
 */
export function parseRange(word: string): Range | undefined {
  const dash = word.indexOf('-');
  if (dash === -1) return undefined;
  const start = parseAddress(word.slice(0, dash));
  const end = parseAddress(word.slice(dash + 1));
  return start !== undefined && end !== undefined && start < end ? { start, end } : undefined;
}

/**
 * Reads the ranges at the beginning of a text, each as {@link parseRange} does, separated by one space. Stops
 * at the first word of another shape.
 *
 * One pattern matches all of them. A leader reads 35 ranges of each member. With one pattern for each range,
 * or character by character, this would take longer than everything else in a member's line.
 *
 * @param into  The ranges are added here.
 * @throws RangeError  a word has the shape of a range but is invalid: inverted, empty, or too big for a
 *   double.
 */
export function parseRanges(text: string, into: Range[]): void {
  const words = RANGES.exec(text)?.[0].trimEnd() ?? '';
  if (words === '') return;
  for (const word of words.split(' ')) {
    const start = Number.parseInt(word, 16);
    const end = Number.parseInt(word.slice(word.indexOf('-') + 1), 16);
    const range = start < end && end <= Number.MAX_SAFE_INTEGER ? { start, end } : parseRange(word);
    if (range === undefined) throw new RangeError(`${word} is not a range of addresses`);
    into.push(range);
  }
}

// Words that parseRange may accept, any number of them.
const RANGES = /^(?:[\da-f]{1,16}-[\da-f]{1,16}(?: |$))*/i;

// Range, permissions, offset, device, inode; then spaces before the path. The path never begins with a space,
// but with `/`, `[` or the name of a file system.
const LINE = /^(\S+) ([r-][w-][x-][ps]) [\da-f]+ [\da-f]+:[\da-f]+ \d+(?: +([^]*))?$/;

// The part of a truncated line that must be there to use the line.
const USABLE = /^(\S+) ([r-][w-][x-][ps]) /;

// A line that was truncated earlier than that.
const UNUSABLE = /^[\da-f]{1,16}(-([\da-f]{1,16}( ([r-]([w-]([x-][ps]?)?)?)?)?)?)?$/;

function parseLine(line: string, cut: boolean): Mapping | undefined {
  const words = LINE.exec(line) ?? (cut ? USABLE.exec(line) : null);
  const range = parseRange(words?.[1] ?? '');
  const permissions = words?.[2];
  if (range === undefined || permissions === undefined) return undefined;
  return { start: range.start, end: range.end, permissions, path: unescape(words?.[3] ?? '') };
}

function unescape(path: string): string {
  return path.includes('\\') ? path.replaceAll('\\012', '\n') : path;
}
