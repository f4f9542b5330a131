// What the kernel tells in /proc and /sys. Most of what is asked for may be missing, and the first error that a process makes costs it half
// a millisecond: so each file is looked for before it is read.

import { readFileSync, readdirSync } from 'node:fs';
import { statusAt } from './files.js';

/** The text in a file, without the newline at its end; undefined if there is none, or it cannot be read. */
export function textIn(path: string): string | undefined {
  try {
    return statusAt(path) === undefined ? undefined : readFileSync(path, 'utf8').trimEnd();
  } catch {
    return undefined;
  }
}

/** The names in a directory; none if it is not there, or cannot be read. */
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
