// clean: removes what jobs left that were killed.

import { existsSync } from 'node:fs';
import { refusalOf } from '../../channel/place/index.js';
import { environment, settingsFrom } from '../../environment/index.js';
import { UsageError } from '../errors.js';
import { ownOptions } from '../options.js';
import type { Command } from './command.js';

const options = { dir: ownOptions.dir, help: ownOptions.help };

export const clean: Command<typeof options> = {
  name: 'clean',
  summary: 'remove what jobs left that were killed',
  synopsis: ['clean [--dir DIR]'],
  description: [
    'Removes the channels of jobs that are dead, and says on stderr which. The next job does so by itself. A channel of a job ' +
      'that lives, or whose life cannot be seen from here, stays.',
  ],
  options,
  statuses: [
    { status: 0, meaning: 'nothing of a dead job is left, or nothing that could be removed' },
    { status: 1, meaning: 'the directory that was asked for is not there' },
  ],
  examples: [{ command: 'hwloc-share clean', meaning: 'after a job that was killed with SIGKILL' }],

  async run({ operands, options, roots, complain }) {
    if (operands.length > 0) throw new UsageError('clean takes no arguments');
    const { sweep } = await import('../../channel/index.js');
    for (const root of roots) {
      const refusal = refusalOf(root);
      if (refusal !== undefined) complain(`${refusal.path} ${refusal.why}; left as it is`);
      for (const path of sweep(root)) complain(`removed ${path}, left by a job that is dead`);
    }
    const asked = options.dir ?? settingsFrom(environment()).directory;
    if (asked === undefined || existsSync(asked)) return 0;
    const how = options.dir === undefined ? `HWLOC_SHARE_DIR=${asked}` : `--dir ${asked}`;
    complain(`${how}: there is no such directory`);
    return 1;
  },
};
