// Our own options, in one table each: yargs is told of them from it, and the help, the man page and the completion are made of it.

import { defaultTimeout, ioFilters } from '../environment/index.js';

/** One option. */
export interface Option {
  /** Its other names. */
  readonly aliases?: readonly string[];
  /** What its value is called in the help; undefined for one that takes none. */
  readonly value?: string;
  /** The values it may take. */
  readonly choices?: readonly string[];
  /** Values that it often takes, where there are others. */
  readonly usual?: readonly string[];
  readonly describe: string;
}

/** A table of options by name. */
export type OptionTable = Readonly<Record<string, Option>>;

/** The options of the wrapper. */
export const ownOptions = {
  dir: { value: 'DIR', describe: 'directory in which the ranks of a node meet [/dev/shm]' },
  timeout: { value: 'SECONDS', describe: `how long to wait for ranks that do not come [${defaultTimeout}]` },
  io: {
    value: 'FILTER',
    choices: ioFilters,
    describe: `I/O objects in the topology: ${ioFilters.join(', ')} [important]`,
  },
  hole: {
    value: 'KIND',
    usual: ['scatter', 'begin', 'biggest', 'libs', 'heap', 'stack'],
    describe: 'where in memory: scatter, begin, biggest, libs, heap, stack, or 0xADDRESS [scatter]',
  },
  libhwloc: { value: 'FILE', describe: 'libhwloc to use' },
  xmlfile: { describe: 'write the topology as XML on each node, for all programs that use hwloc' },
  strict: { describe: 'let a rank that cannot share fail, instead of giving it a copy' },
  report: { value: 'FILE', describe: 'write into FILE how each rank got its topology, as JSON' },
  trace: { value: 'FILE', describe: 'write into FILE when each rank did what, as trace events for Perfetto' },
  verbose: { describe: 'say on stderr what went well, too' },
  version: { describe: 'show the version' },
  help: { describe: 'show this help' },
} satisfies OptionTable;

/** The options of the built-in launcher. */
export const localOptions = {
  n: { aliases: ['np', 'ntasks'], value: 'N', describe: 'number of ranks' },
  'kill-on-bad-exit': { describe: 'end all ranks as soon as one fails or is killed' },
  help: { describe: 'show this help' },
} satisfies OptionTable;

/** All names of an option as they are typed, the shortest first. */
export function namesOf(name: string, { aliases = [] }: Option): string[] {
  return [name, ...aliases].sort((a, b) => a.length - b.length).map(dashes);
}

/** An option as it is typed. */
export function dashes(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}
