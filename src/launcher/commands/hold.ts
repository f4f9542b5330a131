// hold: keeps topologies on this node from step to step, until it is told to end.

import { UsageError } from '../errors.js';
import { ownOptions } from '../command-line/options.js';
import type { Command } from './command.js';

const options = { dir: ownOptions.dir, help: ownOptions.help };

export const hold: Command<typeof options> = {
  name: 'hold',
  summary: 'keep the topology on this node from job step to job step',
  synopsis: ['hold [--dir DIR]'],
  description: [
    'As long as it runs, the first job step on this node leaves its topology to the steps that come later, and these discover nothing ' +
      'while the machine, and what they ask for, stay the same. It says in one line on stderr when it is ready, and ends on SIGTERM, SIGINT, ' +
      'SIGHUP or SIGUSR1, or when its parent ends.',
    'In front of a script, hwloc-share does the same on the node where the script runs.',
  ],
  options,
  statuses: [
    { status: 0, meaning: 'it was told to end, or its parent ended' },
    { status: 1, meaning: 'there is no directory that it can use' },
    { status: 2, meaning: 'the command line is wrong' },
  ],
  examples: [
    { command: 'hwloc-share hold &', meaning: 'in a script, for the steps behind it' },
    {
      command: 'srun --overlap -n "$SLURM_NNODES" --ntasks-per-node=1 hwloc-share hold &',
      meaning: 'on each node of an allocation of Slurm',
    },
  ],

  async run({ operands, roots, complain }) {
    if (operands.length > 0) throw new UsageError('hold takes no arguments');
    return (await import('./hold/hold.js')).holdUntilTold(roots, complain);
  },
};
