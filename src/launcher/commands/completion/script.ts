// The completion script of a shell, of what the help is made of as well.

import { manuals } from '../../manual.js';
import type { CommandTable } from '../command.js';
import { bashScript } from './bash.js';
import { zshScript } from './zsh.js';

/** @param shell  `bash` or `zsh`. */
export async function scriptFor(shell: string, commands: CommandTable): Promise<string> {
  const all = await manuals(commands);
  return shell === 'zsh' ? zshScript(all) : bashScript(all);
}
