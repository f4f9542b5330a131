// clean: removes what killed jobs have left.

import { existsSync } from 'node:fs';
import { refusalOf } from '../../channel/place/index.js';
import { environment, settingsFrom } from '../../environment/index.js';
import { UsageError } from '../errors.js';
import { ownOptions } from '../command-line/options.js';
import type { Command } from './command.js';

const options = { dir: ownOptions.dir, help: ownOptions.help };

export const clean: Command<typeof options> = {
  name: 'clean',
  summary: 'remove what killed jobs left',
  synopsis: ['clean [--dir DIR]'],
  description: [
    'Removes the channels of dead jobs, and says on stderr which. The next job does the same. A channel stays if any process ' +
      'holds a lock in it, also a process in another container. Topologies that ' +
      'are kept (see hold) stay as well; clean says how many processes hold them, and since when they are kept.',
  ],
  options,
  statuses: [
    { status: 0, meaning: 'nothing is left of dead jobs, or nothing that could be removed' },
    { status: 1, meaning: 'the directory that you named does not exist' },
  ],
  examples: [{ command: 'hwloc-share clean', meaning: 'after a job was killed with SIGKILL' }],

  async run({ operands, options, roots, complain }) {
    if (operands.length > 0) throw new UsageError('clean takes no arguments');
    const [{ channelsIn, sweep }, { isKeptPath, keptIn }, { describeKept }] = await Promise.all([
      import('../../channel/index.js'),
      import('../../kept/index.js'),
      import('./hold/hold.js'),
    ]);
    for (const root of roots) {
      const refusal = refusalOf(root);
      if (refusal !== undefined) complain(`${refusal.path} ${refusal.why}; left as it is`);
      for (const path of sweep(root)) complain(`removed ${path}, left by a job that is dead`);
      const kept = (channelsIn(root) ?? []).filter(({ path, inUse }) => inUse === true && isKeptPath(path));
      for (const { path } of kept) complain(`kept: ${describeKept(keptIn(path))}`);
    }
    const asked = options.dir ?? settingsFrom(environment()).directory;
    if (asked === undefined || existsSync(asked)) return 0;
    const how = options.dir === undefined ? `HWLOC_SHARE_DIR=${asked}` : `--dir ${asked}`;
    complain(`${how}: there is no such directory`);
    return 1;
  },
};
