// Which kind of launcher a command is.

import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileNamed, textOf } from '../../environment/index.js';
import type { LauncherKind } from './kind.js';

/**
 * The kind of launcher that a command belongs to: by its name; for a name that several kinds share, by that of the file it is a
 * link to, as distributions install them; else the program itself is asked.
 *
 * @param kinds    The table.
 * @param command  The first word of a command line: a name, or a path of any form.
 * @param path     PATH, as the command will be looked for in it.
 * @param version  Asks the program itself: what its `--version` prints.
 * @returns undefined if no kind answers to it.
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
 * The file that a command is, all links followed; undefined where there is none that can be run.
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
      // Not there, or not to be run: the next one.
    }
  }
  return undefined;
}
