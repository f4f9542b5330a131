// A line of the protocol: a verb, then key=value words, then address ranges. See docs/protocol.md, "Lines".

import { ProtocolError } from './errors.js';

/** The longest line in the lobby, its newline included: what one write(2) puts into a FIFO in one piece (PIPE_BUF). */
export const maxLineBytes = 4096;

/** A line, taken apart. Values are as they were before {@link formatLine} encoded them. */
export interface Line {
  readonly verb: string;
  readonly values: ReadonlyMap<string, string>;
  /** The words that are ranges, with a space between two. */
  readonly ranges: string;
}

/** Values by key; one that is undefined is left out. */
export type Values = Readonly<Record<string, string | number | undefined>>;

/**
 * Parses a line without its newline.
 *
 * @throws ProtocolError  if it is not a verb with words behind it.
 */
export function parseLine(line: string): Line {
  const [verb = '', ...words] = line.split(' ');
  if (!isName(verb)) throw new ProtocolError('not a line of this protocol', line);
  const values = new Map<string, string>();
  const ranges: string[] = [];
  for (const word of words) {
    const equals = word.indexOf('=');
    if (equals === -1) {
      ranges.push(word);
      continue;
    }
    const key = word.slice(0, equals);
    if (!isName(key)) throw new ProtocolError('not a key=value word', line);
    if (values.has(key)) throw new ProtocolError(`the key ${key} is there twice`, line);
    values.set(key, decode(word.slice(equals + 1), line));
  }
  return { verb, values, ranges: ranges.join(' ') };
}

/**
 * A line for a verb, its values and ranges, without a newline.
 *
 * Bytes that would break a line or a word (controls, space, `%`, and all beyond ASCII) are written as %XX of their UTF-8.
 */
export function formatLine(verb: string, values: Values = {}, ranges = ''): string {
  let line = verb;
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) line += ` ${key}=${typeof value === 'number' ? value : encode(value)}`;
  }
  return ranges === '' ? line : `${line} ${ranges}`;
}

function encode(value: string): string {
  if (isPlain(value)) return value;
  return value.replace(/[^!-$&-~]+/g, (run) =>
    Array.from(Buffer.from(run), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}

/** Whether a value goes as it is, as nearly all do. */
function isPlain(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f || code === 0x25) return false;
  }
  return true;
}

function decode(value: string, line: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    throw new ProtocolError('a % that is not followed by the hex digits of UTF-8', line);
  }
}

/**
 * A number of a line.
 *
 * @param base  10 or 16.
 * @throws ProtocolError  if the key is missing or its value is no number that a double holds exactly.
 */
export function numberOf({ values }: Line, key: string, base: 10 | 16, line: string): number {
  const number = numberIn(values.get(key), base);
  if (number === undefined) throw new ProtocolError(`${key}= is not a number`, line);
  return number;
}

/** A number as text, if it is one. */
export function numberIn(text: string | undefined, base: 10 | 16): number | undefined {
  if (text === undefined) return undefined;
  const number = Number.parseInt(text, base);
  if (!Number.isSafeInteger(number) || number < 0) return undefined;
  // Nothing else is in front of it than zeros, and nothing behind it.
  const padded = number.toString(base).padStart(text.length, '0');
  return padded === text.toLowerCase() ? number : undefined;
}

/** The characters of a verb or a key: `a` to `z`, behind the first one digits and `-`, too. Each pattern costs a rank 80 µs. */
function isName(word: string): boolean {
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i);
    const isLetter = code >= 0x61 && code <= 0x7a;
    const isOther = code === 0x2d || (code >= 0x30 && code <= 0x39);
    if (!isLetter && (i === 0 || !isOther)) return false;
  }
  return word !== '';
}
