// show: prints a topology as a tree, as JSON, XML or a synthetic description, or draws it.

import { ownOptions } from '../command-line/options.js';
import type { Command } from './command.js';

export const showOptions = {
  input: {
    aliases: ['i'],
    value: 'INPUT',
    describe:
      'XML file, folder or archive of hwloc-gather-topology, or synthetic description, instead of this machine',
  },
  'input-format': {
    aliases: ['if'],
    value: 'FORMAT',
    choices: ['xml', 'fsroot', 'tar', 'synthetic'],
    describe: 'what the input is: xml, fsroot, tar, synthetic [guessed]',
  },
  job: {
    value: 'JOB',
    describe:
      "what a running job's ranks share: its name, the pid of a rank or of a process above it, or any",
  },
  format: {
    aliases: ['of'],
    value: 'FORMAT',
    choices: ['console', 'json', 'xml', 'synthetic'],
    describe: 'what to print: console (a tree), json, xml, synthetic [console]',
  },
  picture: { value: 'FILE', describe: 'draw it instead, with lstopo: FILE.svg, FILE.png or FILE.pdf' },
  force: { aliases: ['f'], describe: 'overwrite the picture if it is there' },
  io: ownOptions.io,
  timeout: ownOptions.timeout,
  cpuset: { aliases: ['c'], describe: 'show the cpuset of each object' },
  pid: { value: 'PID', describe: 'mark where this process is bound, instead of the calling one' },
  verbose: { aliases: ['v'], describe: 'also show what hwloc has found out about each object' },
  libhwloc: ownOptions.libhwloc,
  help: ownOptions.help,
};

export const show: Command<typeof showOptions> = {
  name: 'show',
  summary: 'show the topology of this machine, of a file, or of a running job',
  synopsis: ['show [options] [INPUT]', 'show --job JOB [options]'],
  description: [
    'Prints a topology as an indented tree, like lstopo-no-graphics, and marks where the calling process is bound. Options that ' +
      "hwloc's tools have, too, have the same names. With --job, shows the topology that the ranks of a running job have mapped, and " +
      'marks where these ranks are bound.',
    'docs/topology.schema.json in this package describes the JSON.',
  ],
  options: showOptions,
  statuses: [
    { status: 0, meaning: 'shown' },
    { status: 1, meaning: 'it cannot be read, adopted or drawn' },
    { status: 2, meaning: 'the command line is wrong' },
  ],
  examples: [
    { command: 'hwloc-share show', meaning: 'this machine' },
    { command: 'hwloc-share show "pack:2 core:4 pu:2"', meaning: 'an imaginary one' },
    {
      command: 'hwloc-share show -i node17.xml --format json',
      meaning: 'the XML of another machine, as JSON',
    },
    { command: 'hwloc-share show --job any', meaning: 'what the only job here shares' },
    { command: 'hwloc-share show --picture machine.svg', meaning: 'a picture' },
  ],

  async run(call) {
    return (await import('./show/show.js')).show(call);
  },
};
