// maps: address spaces side by side, the holes that they share, and the address that was chosen in them.

import { UsageError } from '../errors.js';
import { ownOptions } from '../options.js';
import type { Command } from './command.js';

export const mapsOptions = {
  job: {
    value: 'JOB',
    describe: "a running job's ranks: its name, the pid of a rank or of a process above it, or any",
  },
  svg: { value: 'FILE', describe: 'draw a picture instead' },
  force: { aliases: ['f'], describe: 'overwrite the picture if it is there' },
  json: { describe: 'print it as JSON, which maps reads again: a recorded job' },
  length: {
    value: 'BYTES',
    describe: 'how much room is looked for, where none has been chosen yet: 1048576, 64K, 2M, 1G [1M]',
  },
  hole: ownOptions.hole,
  help: ownOptions.help,
};

export const maps: Command<typeof mapsOptions> = {
  name: 'maps',
  summary: 'show the address spaces of processes, what is free in all, and the address chosen',
  synopsis: ['maps [options] PID|FILE...', 'maps --job JOB [options]'],
  description: [
    'Shows address spaces side by side: of running processes, of the ranks of a running job, or as files recorded them: copies of ' +
      '/proc/PID/maps, or what --json printed. Below them is what is free in all, and the address at which a topology is mapped ' +
      'in them, or would be.',
    'The picture has two scales: the whole 128 TiB in true proportion, and below it the same with the empty parts cut out.',
  ],
  options: mapsOptions,
  statuses: [
    { status: 0, meaning: 'shown' },
    { status: 1, meaning: 'there is no such process, job or file, or it holds no maps' },
    { status: 2, meaning: 'the command line is wrong' },
  ],
  examples: [
    { command: 'hwloc-share maps --job any', meaning: "the only job's ranks here" },
    { command: 'hwloc-share maps 4711 4712 --svg maps.svg', meaning: 'a picture of two processes' },
    {
      command: 'hwloc-share maps --job any --json > job.json',
      meaning: 'to be looked at later, with maps job.json',
    },
  ],

  async run(call) {
    if (call.operands.length === 0 && call.given.job === undefined) {
      throw new UsageError('maps needs pids, files or --job');
    }
    return (await import('./maps/maps.js')).showMaps(call);
  },
};
