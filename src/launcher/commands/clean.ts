// clean: removes what jobs left that were killed.

import { sweep } from '../../channel/place/index.js';
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
  statuses: [{ status: 0, meaning: 'nothing of a dead job is left, or nothing that could be removed' }],
  examples: [{ command: 'hwloc-share clean', meaning: 'after a job that was killed with SIGKILL' }],

  run({ operands, roots, complain }) {
    if (operands.length > 0) throw new UsageError('clean takes no arguments');
    for (const path of roots.flatMap((root) => sweep(root))) {
      complain(`removed ${path}, left by a job that is dead`);
    }
    return Promise.resolve(0);
  },
};
