// A line of the protocol: a verb, then key=value words; or a line of address ranges. See docs/protocol.md.

import { ProtocolError } from './errors.js';

/** The longest line, its newline included: a line of /proc/<pid>/maps with the longest path fits. */
export const maxLineBytes = 8192;

/** A line with a verb. Values are as they were before {@link formatLine} encoded them. */
export interface VerbLine {
  readonly verb: string;
  readonly values: ReadonlyMap<string, string>;
}

/** A line that starts with an address range, as the lines of /proc/<pid>/maps do: the whole of it. Who wants the ranges reads them from it. */
export interface RangeLine {
  readonly ranges: string;
}

const letters = 'abcdefghijklmnopqrstuvwxyz';
const digits = '0123456789';
const keyCharacters = `${letters}${digits}-`;
/** What most values consist of; the others that may stand as they are do no harm when they take the longer way. */
const plain = `${keyCharacters}ABCDEFGHIJKLMNOPQRSTUVWXYZ/._,@`;
/** Of numbers in messages, by their base. */
export const decimal = digits;
export const hexadecimal = `${digits}abcdefABCDEF`;

const rangeWord = /^[0-9a-f]{1,16}-[0-9a-f]{1,16}$/i;

/**
 * Parses a line without its newline.
 *
 * @throws ProtocolError  if it is neither a verb with key=value words nor a line of ranges.
 */
export function parseLine(line: string): VerbLine | RangeLine {
  const space = line.indexOf(' ');
  const first = space === -1 ? line : line.slice(0, space);
  if (first.includes('-') && rangeWord.test(first)) return { ranges: line };
  if (!isOf(first, 16, letters)) throw new ProtocolError('not a line of this protocol', line);
  const values = new Map<string, string>();
  const words = space === -1 ? [] : line.slice(space + 1).split(' ');
  for (const word of words) {
    const equals = word.indexOf('=');
    const key = word.slice(0, equals);
    if (equals < 1 || !letters.includes(key.charAt(0)) || !isOf(key, key.length, keyCharacters))
      throw new ProtocolError('not a key=value word', line);
    if (values.has(key)) throw new ProtocolError(`the key ${key} stands twice`, line);
    values.set(key, decode(word.slice(equals + 1), line));
  }
  return { verb: first, values };
}

/**
 * A line for a verb and its values, newline included. What is undefined is left out.
 *
 * Bytes that would break a line or a word (controls, space, `%`, and all beyond ASCII) are written as %XX of their UTF-8.
 */
export function formatLine(verb: string, values: Record<string, string | number | undefined> = {}): string {
  let line = verb;
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined) line += ` ${key}=${typeof value === 'number' ? value : encode(value)}`;
  }
  return `${line}\n`;
}

function encode(value: string): string {
  if (value === '' || isOf(value, value.length, plain)) return value;
  return value.replace(/[^!-$&-~]+/g, (run) =>
    Array.from(Buffer.from(run), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}

/**
 * Whether a text has at least one character and at most so many, each of them one of those given.
 *
 * By hand: a pattern has to be compiled before it is first used, which takes a rank that reads four lines as long as all else that it does
 * with them.
 */
export function isOf(text: string, most: number, characters: string): boolean {
  for (let i = 0; i < text.length; i++) if (!characters.includes(text.charAt(i))) return false;
  return text !== '' && text.length <= most;
}

function decode(value: string, line: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    throw new ProtocolError('a % that is not followed by the hex digits of UTF-8', line);
  }
}
