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
  if (!/^[a-z]{1,16}$/.test(verb)) throw new ProtocolError('not a line of this protocol', line);
  const values = new Map<string, string>();
  const ranges: string[] = [];
  for (const word of words) {
    const equals = word.indexOf('=');
    if (equals === -1) {
      ranges.push(word);
      continue;
    }
    const key = word.slice(0, equals);
    if (!/^[a-z][a-z0-9-]*$/.test(key)) throw new ProtocolError('not a key=value word', line);
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
  return value.replace(/[^!-$&-~]+/g, (run) =>
    Array.from(Buffer.from(run), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  );
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
  if (text === undefined || !(base === 10 ? /^\d{1,16}$/ : /^[0-9a-f]{1,14}$/i).test(text)) return undefined;
  const number = Number.parseInt(text, base);
  return Number.isSafeInteger(number) ? number : undefined;
}
