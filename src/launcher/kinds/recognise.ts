// Which kind of launcher a command is.

import { basename } from 'node:path';
import type { LauncherKind } from './kind.js';

/**
 * The kind of launcher that a command belongs to.
 *
 * @param kinds    The table.
 * @param command  The first word of a command line: a name, or a path of any form.
 * @param version  Asks the program itself, for names that several kinds share: what its `--version` prints.
 * @returns undefined if no kind answers to it.
 */
export async function recognise(
  kinds: readonly LauncherKind[],
  command: string,
  version: (command: string) => Promise<string>,
): Promise<LauncherKind | undefined> {
  const name = basename(command);
  const own = kinds.find((kind) => kind.commands.includes(name));
  if (own !== undefined) return own;
  const candidates = kinds.filter((kind) => kind.shared?.commands.includes(name) === true);
  if (candidates.length === 0) return undefined;
  const printed = await version(command);
  return candidates.find((kind) => kind.shared?.version.test(printed) === true);
}
