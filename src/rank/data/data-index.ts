// What stands at the beginning of a file that holds data: the names of the pieces, and where in the file each of them is. In the lines
// of the protocol, so that whoever can read those can read these. See docs/protocol.md, "Data".

import { ProtocolError, formatLine, parseLine } from '../../channel/index.js';

/** A named piece of the file. */
export interface DataPiece {
  readonly name: string;
  /** Bytes into the file. */
  readonly offset: number;
  readonly length: number;
}

/** The first line has always as many bytes: it says how many the whole index has. */
function firstLineBytes(): number {
  return firstLine(0).length;
}

function firstLine(bytes: number): string {
  return `${formatLine('index', { 'hwloc-share': 1, bytes: fixed(bytes) })}\n`;
}

/** As long for any number: where the pieces are depends on how long this is. */
function fixed(value: number): string {
  return value.toString(16).padStart(14, '0');
}

/** Formats an index. It has as many bytes whatever the offsets are. */
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
 * @param length  Bytes of the file that hold data: all pieces, and the index, are within them.
 * @param read    The first bytes of the file, as many as it is asked for.
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
