// Arguments and variables as exact bytes. Node reads them as UTF-8 and so loses all other bytes, for example
// in file names of other encodings.
//
// Here such a byte becomes half of a surrogate pair, U+DC80 to U+DCFF, which never occurs in UTF-8, and is
// turned back on output. (Python does the same, and calls it `surrogateescape`: PEP 383.) Usually a text has
// no such bytes, and then this costs nothing.

import { isUtf8 } from 'node:buffer';
import { readFileSync, readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Environment, environment } from './process.js';

const escaped = /(?<![\ud800-\udbff])[\udc80-\udcff]/;
const escapes = /((?<![\ud800-\udbff])[\udc80-\udcff]+)/;
/** Node's replacement for a byte that is not UTF-8. */
const replacement = '\ufffd';
const lowest = 0xdc00;

/** Whether a text contains bytes that are not UTF-8. */
export function hasOtherBytes(text: string): boolean {
  return escaped.test(text);
}

/** The exact bytes of a text. */
export function bytesOf(text: string): Buffer {
  const parts = text.split(escapes);
  return Buffer.concat(
    // split() puts each match at an odd index. The lower half of its code units are the bytes.
    parts.map((part, i) => (i % 2 === 0 ? Buffer.from(part) : Buffer.from(part, 'latin1'))),
  );
}

/** A file name for Node's file system functions: a buffer if it has bytes that are not UTF-8. */
export function fileNamed(name: string): string | Buffer {
  return hasOtherBytes(name) ? bytesOf(name) : name;
}

/** Converts bytes to a text, without loss. */
export function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const character = characterAt(bytes, at);
    text += character ?? String.fromCharCode(lowest + (bytes[at] ?? 0));
    at += character === undefined ? 1 : Buffer.byteLength(character);
  }
  return text;
}

function characterAt(bytes: Buffer, at: number): string | undefined {
  for (let length = 1; length <= 4; length++) {
    const slice = bytes.subarray(at, at + length);
    if (isUtf8(slice)) return slice.toString();
  }
  return undefined;
}

/**
 * The last arguments of this process, with their exact bytes.
 *
 * @param words  The same arguments as Node has read them.
 */
export function exactWords(words: readonly string[]): readonly string[] {
  if (!words.some((word) => word.includes(replacement))) return words;
  const given = entriesOf('/proc/self/cmdline').slice(-words.length);
  // Otherwise the program has changed what /proc shows (process.title).
  return given.every((bytes, i) => bytes.toString() === words[i]) ? given.map(textOf) : words;
}

/** The environment, with the exact bytes of each variable as this process got it. */
export function exactEnvironment(): Environment {
  const read = { ...environment() };
  // Node lists a name that is not UTF-8, but has no value for it.
  const names = Reflect.ownKeys(environment()).map(String);
  const isExact = ![...names, ...Object.values(read)].some((text) => text?.includes(replacement) === true);
  if (isExact) return read;
  const env: Record<string, string | undefined> = { ...read };
  for (const bytes of entriesOf('/proc/self/environ')) {
    const [name = '', value] = bytes.toString().split(/=(.*)/s);
    const [exactName = '', exactValue] = textOf(bytes).split(/=(.*)/s);
    // A variable that was changed since keeps its current value.
    const isUnchanged = name.includes(replacement) ? names.includes(name) : read[name] === value;
    if (!isUnchanged) continue;
    Reflect.deleteProperty(env, name);
    env[exactName] = exactValue;
  }
  return env;
}

/** The absolute path of a file. */
export function exactPath(file: string): string {
  const here = process.cwd();
  if (!here.includes(replacement)) return resolve(file);
  return resolve(textOf(readlinkSync('/proc/self/cwd', 'buffer')), file);
}

/** The texts between NULs. */
function entriesOf(file: string): Buffer[] {
  const bytes = readFileSync(file);
  const entries: Buffer[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0, start);
    entries.push(bytes.subarray(start, end === -1 ? bytes.length : end));
    start = end === -1 ? bytes.length : end + 1;
  }
  return entries;
}
