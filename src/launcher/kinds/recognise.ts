// Finds the launcher kind of a command.

import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileNamed, textOf } from '../../environment/index.js';
import type { LauncherKind } from './kind.js';

/**
 * The launcher kind of a command: by its name. For a name that several kinds share: by the name of the file
 * that it links to, as distributions install it; otherwise by asking the program itself.
 *
 * @param kinds    The table.
 * @param command  The first word of a command line: a name, or a path of any form.
 * @param path     PATH, in which the command is searched for.
 * @param version  Asks the program itself: returns what its `--version` prints.
 * @returns undefined if the command belongs to no kind.
 */
export async function recognise(
  kinds: readonly LauncherKind[],
  command: string,
  path: string,
  version: (command: string) => Promise<string>,
): Promise<LauncherKind | undefined> {
  const name = basename(command);
  const own = ownerOf(kinds, name);
  if (own !== undefined) return own;
  const candidates = kinds.filter((kind) => kind.shared?.commands.includes(name) === true);
  if (candidates.length === 0) return undefined;
  const target = ownerOf(kinds, basename(executable(command, path) ?? command));
  if (target !== undefined) return target;
  const printed = await version(command);
  return candidates.find((kind) => kind.shared?.version.test(printed) === true);
}

function ownerOf(kinds: readonly LauncherKind[], name: string): LauncherKind | undefined {
  return kinds.find((kind) => kind.commands.includes(name));
}

/**
 * The file of a command, with all links followed; undefined if there is no executable file.
 *
 * @param command  A name, or a path of any form.
 * @param path     PATH.
 */
export function executable(command: string, path: string): string | undefined {
  const candidates = command.includes('/')
    ? [command]
    : path.split(':').map((folder) => join(folder, command));
  for (const file of candidates) {
    try {
      const name = fileNamed(file);
      accessSync(name, constants.X_OK);
      if (statSync(name).isFile()) return textOf(realpathSync(name, 'buffer'));
    } catch {
      // Missing or not executable: try the next directory.
    }
  }
  return undefined;
}
