// maps: shows address spaces side by side, the holes that they share, and the chosen address.

import { UsageError } from '../errors.js';
import { ownOptions } from '../command-line/options.js';
import type { Command } from './command.js';

export const mapsOptions = {
  job: {
    value: 'JOB',
    describe: "a running job's ranks: its name, the pid of a rank or of a process above it, or any",
  },
  svg: { value: 'FILE', describe: 'draw a picture instead' },
  force: { aliases: ['f'], describe: 'overwrite the picture if it is there' },
  json: { describe: 'print JSON, which maps can read again' },
  length: {
    value: 'BYTES',
    describe: 'how much room to look for if no address is chosen yet: 1048576, 64K, 2M, 1G [1M]',
  },
  hole: ownOptions.hole,
  help: ownOptions.help,
};

export const maps: Command<typeof mapsOptions> = {
  name: 'maps',
  summary: 'show the address spaces of processes, what is free in all, and the address chosen',
  synopsis: ['maps [options] PID|FILE...', 'maps --job JOB [options]'],
  description: [
    'Shows address spaces side by side: of running processes, of the ranks of a running job, or from files (copies of ' +
      '/proc/PID/maps, or what --json printed). Below them is what is free in all, and the address of the topology, or the address ' +
      'that would be chosen.',
    'The picture has two scales: the whole 128 TiB, and below it the same without the empty parts.',
  ],
  options: mapsOptions,
  statuses: [
    { status: 0, meaning: 'shown' },
    { status: 1, meaning: 'there is no such process, job or file, or it holds no maps' },
    { status: 2, meaning: 'the command line is wrong' },
  ],
  examples: [
    { command: 'hwloc-share maps --job any', meaning: 'the ranks of the only job here' },
    { command: 'hwloc-share maps 4711 4712 --svg maps.svg', meaning: 'a picture of two processes' },
    {
      command: 'hwloc-share maps --job any --json > job.json',
      meaning: 'to look at later, with maps job.json',
    },
  ],

  async run(call) {
    if (call.operands.length === 0 && call.given.job === undefined) {
      throw new UsageError('maps needs pids, files or --job');
    }
    return (await import('./maps/maps.js')).showMaps(call);
  },
};
