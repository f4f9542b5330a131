// Parsing options with yargs: up to the first word that is none, or among the words of a command of ours.

import yargs from 'yargs';
import { UsageError } from './errors.js';
import { type OptionTable, dashes } from './options.js';

/** What was given, by name: the last value of an option, or true for one that takes none. */
export type Given<Table extends OptionTable> = {
  readonly [Name in keyof Table]?: Table[Name] extends { readonly value: string } ? string : true;
};

/** Options, and what follows them, untouched. */
export interface Split<Table extends OptionTable> {
  readonly given: Given<Table>;
  readonly rest: readonly string[];
}

/**
 * Where options may stand. `before`: the first word that is none, or what follows `--`, begins the rest, in which nothing is
 * looked at: it is another program's. `among`: anywhere before `--`, as with hwloc's own tools.
 */
export type Place = 'before' | 'among';

/**
 * Parses options.
 *
 * @throws UsageError  for an option that is not in the table, or a value that is missing, too much or none of the choices.
 */
export async function parseOptions<Table extends OptionTable>(
  words: readonly string[],
  table: Table,
  place: Place = 'before',
): Promise<Split<Table>> {
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
      'Unknown argument: %s': { one: 'unknown option: %s', other: 'unknown options: %s' },
      'Not enough arguments following: %s': 'a value is missing after %s',
      'Argument unexpected for: %s': 'no value is expected for %s',
    } as never)
    .options(Object.fromEntries(Object.entries(table).map(([name, option]) => [name, rulesOf(option)])))
    .strictOptions()
    .exitProcess(false)
    .fail((message, error) => {
      misuse ??= (message || error.message).replace(/\s*\n\s*/g, ' ');
    })
    .parseAsync([...words]);
  // Those after the first one may be no options at all: who knows whether it takes a value?
  if (misuse !== undefined) {
    throw new UsageError(misuse.replace(/^unknown options: ([^,]*).*/, 'unknown option: $1'));
  }

  const rest = place === 'before' ? words.slice(words.length - parsed._.length) : parsed._.map(String);
  for (const [name, { choices }] of Object.entries(table)) {
    const value = parsed[name];
    if (choices !== undefined && value !== undefined && !choices.includes(String(value))) {
      throw new UsageError(`${dashes(name)} takes one of ${choices.join(', ')}, not ${String(value)}`);
    }
  }
  return { given: parsed as Given<Table>, rest };
}

/** `nargs: 0`: without it, yargs takes a program that is called `true` for the value of the option before it. */
function rulesOf({ alias, value }: OptionTable[string]) {
  const names = alias === undefined ? {} : { alias };
  return value === undefined
    ? ({ ...names, type: 'boolean', nargs: 0 } as const)
    : ({ ...names, type: 'string', nargs: 1, requiresArg: true } as const);
}
