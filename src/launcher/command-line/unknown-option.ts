// Explains an unknown option, command or launcher: what was typed, and what the user may have meant.

import { nearest } from '../../check/index.js';
import { executable, launcherCommands } from '../kinds/index.js';
import { type OptionTable, dashes, namesOf, ownOptions } from './options.js';
import { type Place, type Typed, nameOf, typedOptions } from './typed.js';

/** The command that the options belong to. */
export interface Owner {
  /** Empty for the wrapper itself. */
  readonly command: string;
  /** The names of all our commands. */
  readonly commands: readonly string[];
}

/** The message about the first option that is not in the table. */
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
  const first = Object.keys(table).map(dashes);
  return first.length > 5 ? '' : `; ${command} takes ${first.join(', ')}`;
}

/**
 * The launcher or command that the user may have meant by an unknown word; undefined if no name is similar.
 *
 * @param path  PATH: only installed launchers are suggested.
 * @param own   The names of our commands.
 */
export function meantBy(command: string, path: string, own: readonly string[]): string | undefined {
  if (command.includes('/')) return undefined;
  const installed = launcherCommands().filter((name) => executable(name, path) !== undefined);
  const meant = nearest(command, ['local', ...own, '--help', '--version', ...installed]);
  return meant === undefined ? undefined : `hwloc-share ${meant}`;
}

/** Whether a word is the name of one of our commands, or of a known launcher. */
function isCommand(word: string, own: readonly string[]): boolean {
  return word === 'local' || own.includes(word) || launcherCommands().includes(word);
}
