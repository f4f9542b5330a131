// completion: prints the script with which a shell completes hwloc-share's command lines.

import { UsageError } from '../errors.js';
import { launcherCommands } from '../kinds/index.js';
import { ownOptions } from '../command-line/options.js';
import type { Command } from './command.js';

const options = { help: ownOptions.help };
const shells = ['bash', 'zsh'];

export const completion: Command<typeof options> = {
  name: 'completion',
  summary: 'print the script with which a shell completes command lines',
  synopsis: ['completion bash|zsh'],
  description: [
    'Prints a script for bash or zsh. With it, the shell completes our options and commands. From the launcher on, it completes the ' +
      'same as without hwloc-share in front.',
  ],
  options,
  operands: shells,
  statuses: [
    { status: 0, meaning: 'printed' },
    { status: 2, meaning: 'the command line is wrong' },
  ],
  examples: [
    { command: 'source <(hwloc-share completion bash)', meaning: 'in ~/.bashrc' },
    { command: 'source <(hwloc-share completion zsh)', meaning: 'in ~/.zshrc, behind compinit' },
  ],

  async run({ operands: [shell = '', ...more], commands }) {
    if (!shells.includes(shell) || more.length > 0) {
      throw new UsageError(`completion takes the name of a shell: ${shells.join(' or ')}`);
    }
    const [{ manuals }, { bashScript }, { zshScript }] = await Promise.all([
      import('../man/manual.js'),
      import('./completion/bash.js'),
      import('./completion/zsh.js'),
    ]);
    const launchers = launcherCommands();
    const all = await manuals(commands);
    process.stdout.write(shell === 'zsh' ? zshScript(all, launchers) : bashScript(all, launchers));
    return 0;
  },
};
