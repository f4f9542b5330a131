// Options as they were typed: where each is among the words, so that an error can name it by the user's own word.

import { type OptionTable, dashes } from './options.js';

/**
 * Where options may stand. `before`: the first word that is none, or what follows `--`, begins the rest, in which nothing is
 * looked at: it is another program's. `among`: anywhere before `--`, as with hwloc's own tools.
 */
export type Place = 'before' | 'among';

/** An option among the words. */
export interface Typed {
  /** Where it is. */
  readonly at: number;
  /** As it was typed, without its value. */
  readonly option: string;
  /** Its name in the table; undefined if it is not there. */
  readonly name: string | undefined;
  /** The word behind it that is its value; undefined if it takes none, or has it in its own word. */
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

/** The name of an option as it was typed: one dash does as well as two, as with mpirun. */
export function nameOf(option: string, table: OptionTable): string | undefined {
  const bare = option.replace(/^--?/, '');
  return Object.keys(table).find((name) => name === bare || table[name]?.aliases?.includes(bare) === true);
}

/**
 * Takes a number apart from the option before it: `-n2` becomes `-n 2`. (A parser that does so by itself would take `-np` for
 * two options.)
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

/** A name of an option as the user has typed it. */
export function asTyped(name: string, words: readonly string[], table: OptionTable, place: Place): string {
  return typedOptions(words, table, place).findLast((each) => each.name === name)?.option ?? dashes(name);
}
