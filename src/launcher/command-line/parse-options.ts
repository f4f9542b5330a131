// Options in front of something: ours before the launcher, and those of `local` before its program. With yargs-parser alone: yargs itself
// takes as long to import as Node takes to start, and this stands before each job.

import parser from 'yargs-parser';
import { UsageError } from '../errors.js';
import type { OptionTable } from './options.js';
import { type Place, asTyped, typedOptions, withNumbersApart } from './typed.js';
import type { Owner } from './unknown-option.js';

/** What was given, by name: the last value of an option, or true for one that takes none. */
export type Given<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: Table[Name] extends { readonly value: string } ? string : true;
};

/** Options, and what follows them, untouched. */
export interface Split<Table extends OptionTable> {
  readonly given: Given<Table>;
  readonly rest: readonly string[];
  /** An option as it was typed, for an error about its value. */
  readonly typed: (name: keyof Table & string) => string;
}

/** How yargs, and its parser, read words: as they were typed, and each option under the name that it has in the table. */
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
 * Parses options up to the first word that is none, or that follows `--`.
 *
 * @throws UsageError  for an option that is not in the table, or a value that is missing, too much or none of the choices.
 */
export async function parseOptions<Table extends OptionTable>(
  given: readonly string[],
  table: Table,
  owner: Owner,
): Promise<Split<Table>> {
  const words = withNumbersApart(given, table, 'before');
  await refuseUnknown(words, table, 'before', owner);
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

/** @throws UsageError  for the first option that is not in the table. */
export async function refuseUnknown(
  words: readonly string[],
  table: OptionTable,
  place: Place,
  owner: Owner,
): Promise<void> {
  if (typedOptions(words, table, place).every(({ name }) => name !== undefined)) return;
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
