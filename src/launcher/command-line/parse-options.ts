// Parses leading options: the wrapper's before the launcher, and those of `local` before its program. Uses only
// yargs-parser: importing yargs itself takes as long as starting Node, and this runs before each job.

import parser from 'yargs-parser';
import { UsageError } from '../errors.js';
import type { OptionTable } from './options.js';
import { type Place, asTyped, typedOptions, withNumbersApart } from './typed.js';
import type { Owner } from './unknown-option.js';

/** The given options, by name: the last value of an option, or true for an option without a value. */
export type Given<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: Table[Name] extends { readonly value: string } ? string : true;
};

/** The options, and the unchanged rest of the words. */
export interface Split<Table extends OptionTable> {
  readonly given: Given<Table>;
  readonly rest: readonly string[];
  /** An option as the user typed it, for an error about its value. */
  readonly typed: (name: keyof Table & string) => string;
}

/** Settings of yargs and its parser: words stay as they were typed, and each option has its name in the table. */
export const configuration = {
  'camel-case-expansion': false,
  'boolean-negation': false,
  'dot-notation': false,
  'duplicate-arguments-array': false,
  'short-option-groups': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
};

/**
 * Parses options up to the first other word, or up to `--`.
 *
 * @throws UsageError  an option is not in the table; a value is missing, is not allowed, or was given to an
 *   option without one.
 */
export async function parseOptions<Table extends OptionTable>(
  given: readonly string[],
  table: Table,
  owner: Owner,
): Promise<Split<Table>> {
  const words = await knownWords(given, table, 'before', owner);
  const options = Object.entries(table);
  const isValued = ([, { value }]: (typeof options)[number]) => value !== undefined;
  const { argv, error } = parser.detailed(words, {
    alias: Object.fromEntries(options.map(([name, { aliases = [] }]) => [name, [...aliases]])),
    string: options.filter(isValued).map(([name]) => name),
    boolean: options.filter((option) => !isValued(option)).map(([name]) => name),
    // 0: without it, a program that is called `true` is taken for the value of the option before it.
    narg: Object.fromEntries(options.map((option) => [option[0], isValued(option) ? 1 : 0])),
    configuration: { ...configuration, 'halt-at-non-option': true },
  });
  if (error !== null) throw misuse(error.message, words, table, 'before');
  return split(argv, words.slice(words.length - argv._.length), words, table, 'before');
}

/** The words for a parser. @throws UsageError  for the first option that is not in the table. */
export async function knownWords(
  given: readonly string[],
  table: OptionTable,
  place: Place,
  owner: Owner,
): Promise<string[]> {
  const words = withNumbersApart(given, table, place);
  if (typedOptions(words, table, place).every(({ name }) => name !== undefined)) return words;
  const { unknownOption } = await import('./unknown-option.js');
  throw new UsageError(unknownOption(words, table, place, owner) ?? 'unknown option');
}

/** What the parser complains of, by the user's own word. */
export function misuse(
  message: string,
  words: readonly string[],
  table: OptionTable,
  place: Place,
): UsageError {
  const [, complaint, name = ''] =
    /^(Not enough arguments following|Argument unexpected for): (.*)$/.exec(message) ?? [];
  if (complaint === undefined) return new UsageError(message.replace(/\s*\n\s*/g, ' '));
  const what = complaint.startsWith('Not') ? 'needs a value' : 'takes no value';
  return new UsageError(`${asTyped(name, words, table, place)} ${what}`);
}

/** @throws UsageError  for a value that is none of the choices. */
export function split<Table extends OptionTable>(
  parsed: Readonly<Record<string, unknown>>,
  rest: readonly string[],
  words: readonly string[],
  table: Table,
  place: Place,
): Split<Table> {
  const typed = (name: string) => asTyped(name, words, table, place);
  for (const [name, { choices }] of Object.entries(table)) {
    const value = parsed[name];
    if (choices !== undefined && typeof value === 'string' && !choices.includes(value)) {
      throw new UsageError(`${typed(name)} takes one of ${choices.join(', ')}, not ${value}`);
    }
  }
  return { given: parsed as Given<Table>, rest, typed };
}
