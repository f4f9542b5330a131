// Reads the text of /proc/<pid>/maps, and the `start-end` words in it that ranks send each other.
import { MapsFormatError } from './errors.js';
import { parseAddress } from './hex.js';
import type { Range } from './ranges.js';

/** One mapping of a process, as one line of /proc/<pid>/maps tells it. */
export interface Mapping extends Range {
  /** Four characters: `r`, `w`, `x` (or `-`), then `p` for private or `s` for shared. */
  readonly permissions: string;
  /**
   * The file's path, with ` (deleted)` behind it as the kernel prints it, or a name such as `[heap]`; empty for an anonymous
   * mapping. A newline in a path, which the kernel prints as `\012`, is a newline again. (The kernel does not escape the
   * backslash itself, so a path that really holds these four characters cannot be told apart; no other escape is printed.)
   */
  readonly path: string;
}

/**
 * Reads the text of /proc/<pid>/maps.
 *
 * The text may end in the middle of a line, as when a reader's buffer was too small. Such a line is used if it has its range
 * and its permissions with the space behind them (its path may then be shortened); cut any earlier it is left out, for
 * `7f00-7f` may be the beginning of a far longer range.
 *
 * @throws MapsFormatError  a line cannot be a line of maps, nor the beginning of one at the end of the text.
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
 * Reads one range as in maps and in the pipe protocol: `start-end`, 1 to 16 hex digits each, without `0x`.
 *
 * @returns the range, or undefined if `word` is anything else, if it is empty or inverted, or if an end of it is beyond 2^53
 *          and not page-aligned: a double could not hold it exactly.
 */
export function parseRange(word: string): Range | undefined {
  const dash = word.indexOf('-');
  if (dash === -1) return undefined;
  const start = parseAddress(word.slice(0, dash));
  const end = parseAddress(word.slice(dash + 1));
  return start !== undefined && end !== undefined && start < end ? { start, end } : undefined;
}

/**
 * Reads the ranges that a text begins with, each as {@link parseRange} takes it, one space between two. The first word of another shape ends
 * them.
 *
 * One pattern for all of them: a leader reads 35 ranges of each of its members, and with patterns for each it takes longer over that than
 * over all else of them together. (Character by character, too.)
 *
 * @param into  Is added to.
 * @throws RangeError  a word has the shape of a range but is none: inverted, empty, or not to be held by a double.
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

// Words that parseRange may take, as many as there are.
const RANGES = /^(?:[\da-f]{1,16}-[\da-f]{1,16}(?: |$))*/i;

// Range, permissions, offset, device, inode; then spaces up to the path, which never begins with one: it starts with `/`, `[`
// or the name of a file system.
const LINE = /^(\S+) ([r-][w-][x-][ps]) [\da-f]+ [\da-f]+:[\da-f]+ \d+(?: +([^]*))?$/;

// What must be there of a line that was cut.
const USABLE = /^(\S+) ([r-][w-][x-][ps]) /;

// What there can be of a line that was cut before that.
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
