// Finds options as the user typed them, so that an error can name an option in the user's own words.

import { type OptionTable, dashes } from './options.js';

/**
 * Where options may be. `before`: only before the first other word, or before `--`. The words after that
 * belong to another program, and are not looked at. `among`: anywhere before `--`, as in hwloc's own tools.
 */
export type Place = 'before' | 'among';

/** An option among the words. */
export interface Typed {
  /** Its index among the words. */
  readonly at: number;
  /** The option as typed, without its value. */
  readonly option: string;
  /** Its name in the table; undefined if the table does not have it. */
  readonly name: string | undefined;
  /**
   * The next word, if that is its value; undefined if the option takes none, or has its value in the same
   * word.
   */
  readonly took: string | undefined;
}

/** The options among some words, from left to right. */
export function typedOptions(words: readonly string[], table: OptionTable, place: Place): Typed[] {
  const found: Typed[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') break;
    if (!word.startsWith('-') || word === '-') {
      if (place === 'before') break;
      continue;
    }
    const [option = '', value] = word.split(/=(.*)/s);
    const name = nameOf(option, table);
    const takesNext = name !== undefined && table[name]?.value !== undefined && value === undefined;
    const took = takesNext ? words[at + 1] : undefined;
    found.push({ at, option, name, took });
    if (took !== undefined) at++;
  }
  return found;
}

/** The name in the table of an option as typed. One dash is as good as two, as in mpirun. */
export function nameOf(option: string, table: OptionTable): string | undefined {
  const bare = option.replace(/^--?/, '');
  return Object.keys(table).find((name) => name === bare || table[name]?.aliases?.includes(bare) === true);
}

/**
 * Separates a number from the option before it: `-n2` becomes `-n 2`. (A parser that does this by itself
 * would take `-np` for two options.)
 */
export function withNumbersApart(words: readonly string[], table: OptionTable, place: Place): string[] {
  for (const { at, name } of typedOptions(words, table, place)) {
    const [, option = '', number = ''] = /^(-[a-zA-Z])(\d+)$/.exec(words[at] ?? '') ?? [];
    const attached = nameOf(option, table);
    if (name !== undefined || attached === undefined || table[attached]?.value === undefined) continue;
    return withNumbersApart([...words.slice(0, at), option, number, ...words.slice(at + 1)], table, place);
  }
  return [...words];
}

/** An option by its name in the table, as the user has typed it. */
export function asTyped(name: string, words: readonly string[], table: OptionTable, place: Place): string {
  return typedOptions(words, table, place).findLast((each) => each.name === name)?.option ?? dashes(name);
}
