// The tables of options. yargs, the help, the man page and the completion use them.

import { defaultTimeout, ioFilters } from '../../environment/index.js';

/** One option. */
export interface Option {
  /** Its other names. */
  readonly aliases?: readonly string[];
  /** The name of its value in the help; undefined if it takes none. */
  readonly value?: string;
  /** The values it may take. */
  readonly choices?: readonly string[];
  /** Common values, if other values are possible too. */
  readonly usual?: readonly string[];
  readonly describe: string;
}

/** A table of options by name. */
export type OptionTable = Readonly<Record<string, Option>>;

/** The options of the wrapper. */
export const ownOptions = {
  dir: { value: 'DIR', describe: 'directory in which the ranks of a node meet [/dev/shm]' },
  timeout: {
    value: 'SECONDS',
    describe: `how long to wait for a rank that does not answer, or for hwloc [${defaultTimeout}]`,
  },
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
  strict: { describe: 'let a rank that cannot share fail instead of giving it a private copy' },
  report: { value: 'FILE', describe: 'write into FILE how each rank got its topology, as JSON' },
  trace: { value: 'FILE', describe: 'write into FILE what each rank did when, as trace events for Perfetto' },
  verbose: { describe: 'also say on stderr what went well' },
  version: { describe: 'show the version' },
  help: { describe: 'show this help' },
} satisfies OptionTable;

/** The options of the built-in launcher. */
export const localOptions = {
  n: { aliases: ['np', 'ntasks'], value: 'N', describe: 'number of ranks' },
  label: {
    aliases: ['l', 'tag-output'],
    describe: 'begin each line of output with the number of its rank: [3] text',
  },
  'bind-to': {
    value: 'WHAT',
    choices: ['core', 'none'],
    describe: 'bind each rank to a core of its own (core), or to nothing (none) [none]',
  },
  'kill-on-bad-exit': { describe: 'end all ranks as soon as one fails or is killed' },
  help: { describe: 'show this help' },
} satisfies OptionTable;

/** All names of an option as a user types them, the shortest first. */
export function namesOf(name: string, { aliases = [] }: Option): string[] {
  return [name, ...aliases].sort((a, b) => a.length - b.length).map(dashes);
}

/** An option as a user types it. */
export function dashes(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

/** The wrapper's options. An option that was not given is undefined, and does not change the environment. */
export interface Options {
  readonly dir: string | undefined;
  readonly timeout: number | undefined;
  readonly io: string | undefined;
  readonly hole: string | undefined;
  readonly libhwloc: string | undefined;
  readonly xmlfile: boolean | undefined;
  readonly strict: boolean | undefined;
  readonly verbose: boolean | undefined;
  readonly report: string | undefined;
  readonly trace: string | undefined;
}
