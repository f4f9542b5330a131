// doctor: says whether sharing works on this node, and how to repair what does not work.

import { UsageError } from '../errors.js';
import { ownOptions } from '../command-line/options.js';
import type { Command } from './command.js';

const options = {
  json: { describe: 'print the findings as JSON' },
  dir: ownOptions.dir,
  timeout: ownOptions.timeout,
  libhwloc: ownOptions.libhwloc,
  help: ownOptions.help,
};

export const doctor: Command<typeof options> = {
  name: 'doctor',
  summary: 'say whether sharing works here, and how to repair what does not',
  synopsis: ['doctor [--json] [--dir DIR] [--timeout SECONDS] [--libhwloc FILE]'],
  description: [
    'Checks libhwloc and its plugins, koffi, Node, the launchers, the directories in which ranks meet, limits and settings of the ' +
      'kernel, and running jobs. Then runs a job of two ranks. Each finding is ok, a warning (sharing works, but not ' +
      'always, or not as fast) or a problem (sharing does not work), with the command that repairs it.',
    'Run it on the nodes where jobs run: srun hwloc-share doctor.',
  ],
  options,
  statuses: [
    { status: 0, meaning: 'sharing works here; there may be warnings' },
    { status: 1, meaning: 'sharing does not work here' },
    { status: 2, meaning: 'the command line is wrong' },
  ],
  examples: [
    { command: 'hwloc-share doctor', meaning: 'for a person' },
    { command: 'hwloc-share doctor --json', meaning: 'for a script' },
  ],

  async run(call) {
    if (call.operands.length > 0) throw new UsageError('doctor takes no arguments');
    const { examine } = await import('./doctor/doctor.js');
    return examine(call, call.given.json === true);
  },
};
