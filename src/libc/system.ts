// Reads /proc and /sys. Many of the files may be missing, and the first error that a process creates takes it
// half a millisecond. So each file is looked for before it is read.

import { readFileSync, readdirSync } from 'node:fs';
import { statusAt } from './files.js';

/** The text of a file, without the newline at its end; undefined if the file is missing or cannot be read. */
export function textIn(path: string): string | undefined {
  try {
    return statusAt(path) === undefined ? undefined : readFileSync(path, 'utf8').trimEnd();
  } catch {
    return undefined;
  }
}

/** The names in a directory; an empty list if the directory is missing or cannot be read. */
export function namesUnder(path: string): string[] {
  try {
    return statusAt(path) === undefined ? [] : readdirSync(path);
  } catch {
    return [];
  }
}

/** The numbers of a list such as `0-2,8`. */
export function numbersIn(list: string): number[] {
  return list.split(',').flatMap((part) => {
    const [first = '', last = first] = part.trim().split('-');
    if (first === '') return [];
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index);
  });
}
