// Parses the options of commands, which may be anywhere among their words, with yargs.

import yargs from 'yargs';
import type { OptionTable } from './options.js';
import { type Split, configuration, knownWords, misuse, split } from './parse-options.js';
import type { Owner } from './unknown-option.js';

/**
 * Parses options among words, up to `--`.
 *
 * @throws UsageError  an option is not in the table; a value is missing, is not allowed, or was given to an option
 *   without one.
 */
export async function parseCommandOptions<Table extends OptionTable>(
  given: readonly string[],
  table: Table,
  owner: Owner,
): Promise<Split<Table>> {
  const words = await knownWords(given, table, 'among', owner);
  let complaint: string | undefined;
  const parsed = await yargs()
    .version(false)
    .help(false)
    .parserConfiguration(configuration)
    .options(Object.fromEntries(Object.entries(table).map(([name, option]) => [name, rulesOf(option)])))
    .locale('en')
    .exitProcess(false)
    .fail((message, error) => {
      complaint ??= message || error.message;
    })
    .parseAsync(words);
  if (complaint !== undefined) throw misuse(complaint, words, table, 'among');
  return split(parsed, parsed._.map(String), words, table, 'among');
}

function rulesOf({ aliases, value }: OptionTable[string]) {
  const names = aliases === undefined ? {} : { alias: aliases };
  return value === undefined
    ? ({ ...names, type: 'boolean', nargs: 0 } as const)
    : ({ ...names, type: 'string', nargs: 1, requiresArg: true } as const);
}
