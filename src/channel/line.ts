// A line of the protocol: a verb, then key=value words, then address ranges. See docs/protocol.md, "Lines".

import { ProtocolError } from './errors.js';

/**
 * The longest line in the lobby, including its newline: one write(2) to a FIFO is never split up to this
 * length (PIPE_BUF).
 */
export const maxLineBytes = 4096;

/** A parsed line. Values are decoded: as they were before {@link formatLine}. */
export interface Line {
  readonly verb: string;
  readonly values: ReadonlyMap<string, string>;
  /** The words that are ranges, separated by one space. */
  readonly ranges: string;
}

/** Values by key. An undefined value is left out. */
export type Values = Readonly<Record<string, string | number | undefined>>;

/**
 * Parses a line without its newline.
 *
 * @throws ProtocolError  if it is not a verb followed by words.
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
 * Formats a verb, its values and ranges as a line without a newline.
 *
 * Bytes that would break a line or a word (control characters, space, `%`, and everything beyond ASCII) are
 * written as %XX of their UTF-8.
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

/** Whether a value needs no encoding, like nearly all values. */
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
 * The number under a key of a line.
 *
 * @param base  10 or 16.
 * @throws ProtocolError  if the key is missing or its value is not a number that a double holds exactly.
 */
export function numberOf({ values }: Line, key: string, base: 10 | 16, line: string): number {
  const number = numberIn(values.get(key), base);
  if (number === undefined) throw new ProtocolError(`${key}= is not a number`, line);
  return number;
}

/** The number that a text is; undefined if it is not a number. */
export function numberIn(text: string | undefined, base: 10 | 16): number | undefined {
  if (text === undefined) return undefined;
  const number = Number.parseInt(text, base);
  if (!Number.isSafeInteger(number) || number < 0) return undefined;
  // Only zeros may come before the number, and nothing after it.
  const padded = number.toString(base).padStart(text.length, '0');
  return padded === text.toLowerCase() ? number : undefined;
}

/**
 * Whether a word can be a verb or a key: `a` to `z`, after the first letter also digits and `-`. Not a
 * pattern: each takes a rank 80 µs.
 */
function isName(word: string): boolean {
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i);
    const isLetter = code >= 0x61 && code <= 0x7a;
    const isOther = code === 0x2d || (code >= 0x30 && code <= 0x39);
    if (!isLetter && (i === 0 || !isOther)) return false;
  }
  return word !== '';
}
