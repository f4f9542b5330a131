// An option that there is not: what was typed, and what may have been meant.

import { isCommand } from './meant.js';
import { nearest } from '../check/index.js';
import { type OptionTable, namesOf, ownOptions } from './options.js';
import { type Place, type Typed, nameOf, typedOptions } from './typed.js';

/** Whose options they are. */
export interface Owner {
  /** Empty for the wrapper itself. */
  readonly command: string;
  /** The names of all our commands. */
  readonly commands: readonly string[];
}

/** What is said of the first option that is not in the table. */
export function unknownOption(
  words: readonly string[],
  table: OptionTable,
  place: Place,
  owner: Owner,
): string | undefined {
  const options = typedOptions(words, table, place);
  const index = options.findIndex(({ name }) => name === undefined);
  const unknown = options[index];
  if (unknown === undefined) return undefined;
  return `unknown option ${unknown.option}${hint(unknown, options[index - 1], table, owner)}`;
}

function hint(
  { at, option }: Typed,
  before: Typed | undefined,
  table: OptionTable,
  { command, commands }: Owner,
): string {
  const names = Object.entries(table).flatMap(([name, each]) => namesOf(name, each));
  if (before?.took !== undefined && before.at === at - 2 && isCommand(before.took, commands)) {
    return `; ${before.option} took ${before.took} as its value`;
  }
  const near = nearest(option, names);
  if (near !== undefined) return `; did you mean ${near}?`;
  if (command === '') return '; options of a launcher follow its name';
  if (nameOf(option, ownOptions) !== undefined) return `; it belongs in front of ${command}`;
  return names.length > 5 ? '' : `; ${command} takes ${names.join(', ')}`;
}
