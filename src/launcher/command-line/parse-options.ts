// Parsing options with yargs: up to the first word that is none, or among the words of a command of ours.

import yargs from 'yargs';
import { UsageError } from '../errors.js';
import type { OptionTable } from './options.js';
import type { Owner } from './unknown-option.js';
import { type Place, asTyped, withNumbersApart } from './typed.js';

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

/**
 * Parses options.
 *
 * @throws UsageError  for an option that is not in the table, or a value that is missing, too much or none of the choices.
 */
export async function parseOptions<Table extends OptionTable>(
  given: readonly string[],
  table: Table,
  place: Place,
  owner: Owner,
): Promise<Split<Table>> {
  const words = withNumbersApart(given, table, place);
  const typed = (name: string) => asTyped(name, words, table, place);
  let misuse: string | undefined;
  const parsed = await yargs()
    .version(false)
    .help(false)
    .parserConfiguration({
      'halt-at-non-option': place === 'before',
      'camel-case-expansion': false,
      'boolean-negation': false,
      'dot-notation': false,
      'duplicate-arguments-array': false,
      'short-option-groups': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .updateStrings({
      'Not enough arguments following: %s': 'OPTION %s needs a value',
      'Argument unexpected for: %s': 'OPTION %s takes no value',
    })
    .options(Object.fromEntries(Object.entries(table).map(([name, option]) => [name, rulesOf(option)])))
    .strictOptions()
    .exitProcess(false)
    .fail((message, error) => {
      misuse ??= (message || error.message).replace(/\s*\n\s*/g, ' ');
    })
    .parseAsync(words);
  if (misuse !== undefined) {
    const { unknownOption } = await import('./unknown-option.js');
    const unknown = unknownOption(words, table, place, owner);
    throw new UsageError(unknown ?? misuse.replace(/^OPTION (\S+)/, (_, name: string) => typed(name)));
  }

  const rest = place === 'before' ? words.slice(words.length - parsed._.length) : parsed._.map(String);
  for (const [name, { choices }] of Object.entries(table)) {
    const value = parsed[name];
    if (choices !== undefined && value !== undefined && !choices.includes(String(value))) {
      throw new UsageError(`${typed(name)} takes one of ${choices.join(', ')}, not ${String(value)}`);
    }
  }
  return { given: parsed as Given<Table>, rest, typed };
}

/** `nargs: 0`: without it, yargs takes a program that is called `true` for the value of the option before it. */
function rulesOf({ aliases, value }: OptionTable[string]) {
  const names = aliases === undefined ? {} : { alias: aliases };
  return value === undefined
    ? ({ ...names, type: 'boolean', nargs: 0 } as const)
    : ({ ...names, type: 'string', nargs: 1, requiresArg: true } as const);
}
