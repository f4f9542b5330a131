// The index at the beginning of a file with attached data: the name of each piece, and its position in the
// file. It has the form of lines of the protocol, so that the same code can read both. See docs/protocol.md,
// "Data".

import { ProtocolError, formatLine, parseLine } from '../../channel/index.js';

/** A named piece of the file. */
export interface DataPiece {
  readonly name: string;
  /** Bytes into the file. */
  readonly offset: number;
  readonly length: number;
}

/** The first line always has the same length. It gives the length of the whole index. */
function firstLineBytes(): number {
  return firstLine(0).length;
}

function firstLine(bytes: number): string {
  return `${formatLine('index', { 'hwloc-share': 1, bytes: fixed(bytes) })}\n`;
}

/** All numbers get the same length: the positions of the pieces depend on the length of the index. */
function fixed(value: number): string {
  return value.toString(16).padStart(14, '0');
}

/** Formats an index. Its length does not depend on the offsets. */
export function formatDataIndex(pieces: readonly DataPiece[]): string {
  const lines = pieces.map(
    ({ name, offset, length }) =>
      `${formatLine('piece', { name, offset: fixed(offset), length: fixed(length) })}\n`,
  );
  const rest = lines.join('');
  return `${firstLine(firstLineBytes() + rest.length)}${rest}`;
}

/**
 * Parses the index of a file.
 *
 * @param length  Length of the data in the file: all pieces, and the index, are within it.
 * @param read    Returns the first bytes of the file, as many as asked for.
 * @throws ProtocolError
 */
export function parseDataIndex(length: number, read: (bytes: number) => string): DataPiece[] {
  const first = read(firstLineBytes());
  const bytes = hex(valuesOf(first.trimEnd(), 'index'), 'bytes', first, length);
  if (bytes < first.length) throw new ProtocolError('an index that is shorter than its first line', first);
  const lines = read(bytes).slice(first.length).split('\n');
  if (lines.pop() !== '') throw new ProtocolError('an index that ends within a line', first);
  return lines.map((line) => {
    const values = valuesOf(line, 'piece');
    const name = values.get('name');
    if (name === undefined) throw new ProtocolError('name= is missing', line);
    const offset = hex(values, 'offset', line, length);
    return { name, offset, length: hex(values, 'length', line, length - offset) };
  });
}

function valuesOf(text: string, verb: string): ReadonlyMap<string, string> {
  const line = parseLine(text);
  if (line.verb !== verb) throw new ProtocolError(`not a line of an index (${verb})`, text);
  return line.values;
}

function hex(values: ReadonlyMap<string, string>, key: string, line: string, most: number): number {
  const text = values.get(key) ?? '';
  const value = /^[0-9a-f]{1,14}$/.test(text) ? parseInt(text, 16) : NaN;
  if (!(value <= most)) throw new ProtocolError(`${key}= is not as it must be`, line);
  return value;
}
