// The contenders: hwloc-share, and what a user would do instead. Each has a letter in tables and plots.

import { join } from 'node:path';
import type { Input } from './inputs.js';
import type { Peers } from './peers.js';
import type { Product } from './product.js';

/** What is needed to start a job. */
export interface Setting {
  readonly product: Product;
  /** Another one to compare it with. */
  readonly other: Product | undefined;
  /** Undefined where the C programs could not be compiled, or there is no Open MPI. */
  readonly peers: Peers | undefined;
  readonly mpirun: string | undefined;
}

/** One job to start: some ranks, held at the gates in a folder. */
export interface Start {
  readonly input: Input;
  readonly ranks: number;
  readonly folder: string;
  readonly memory: boolean;
}

/** How a job is started. */
export interface Command {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** One way to give each rank its topology. */
export interface Contender {
  readonly name: string;
  readonly about: string;
  /** What each rank must tell that it has done. */
  readonly how: string;
  /** Whether it differs from the others on this input. */
  suits(input: Input): boolean;
  /** undefined where what it takes is not there. */
  command(setting: Setting, start: Start): Command | undefined;
  /** Only so many ranks, whatever the case has. */
  readonly ranks?: number;
  /** Whether it can be asked for memory. */
  readonly memory: boolean;
  /** Whether its ranks are Node's processes. */
  readonly usesNode: boolean;
}

const always = () => true;

export const contenders: readonly Contender[] = [
  {
    name: 'share',
    about: '(a) hwloc-share mpirun',
    how: 'adopted',
    suits: always,
    memory: true,
    usesNode: true,
    command: (setting, start) =>
      wrapped(setting, mpirun(setting, start, node(setting, start, 'share', 'rank')), start),
  },
  {
    name: 'share-local',
    about: "(a') hwloc-share local",
    how: 'adopted',
    suits: always,
    memory: false,
    usesNode: true,
    command: (setting, start) => local(setting, start, node(setting, start, 'share', 'rank')),
  },
  {
    name: 'other',
    about: '(a*) the hwloc-share of --against, mpirun',
    how: 'adopted',
    suits: always,
    memory: false,
    usesNode: true,
    command: (setting, start) => {
      if (setting.other === undefined) return undefined;
      const other = { ...setting, product: setting.other };
      return wrapped(other, mpirun(other, start, node(other, start, 'share', 'rank')), start);
    },
  },
  {
    name: 'alone',
    about: 'one load alone',
    how: 'discovered',
    suits: always,
    memory: false,
    usesNode: true,
    ranks: 1,
    command: (setting, start) =>
      plain(mpirun(setting, start, node(setting, start, 'load', 'hwloc')), start.input.env),
  },
  {
    name: 'discover',
    about: '(b) every rank loads by itself',
    how: 'discovered',
    // There the file is what a rank would load by itself.
    suits: ({ kind }) => kind !== 'xml',
    memory: true,
    usesNode: true,
    command: (setting, start) =>
      plain(mpirun(setting, start, node(setting, start, 'load', 'hwloc')), start.input.env),
  },
  {
    name: 'xml',
    about: '(c) every rank loads HWLOC_XMLFILE',
    how: 'discovered',
    suits: always,
    memory: true,
    usesNode: true,
    command: (setting, start) =>
      plain(mpirun(setting, start, node(setting, start, 'load', 'hwloc')), start.input.xmlEnv),
  },
  {
    name: 'mpi',
    about: '(d) by hand in C, MPI_Bcast',
    how: 'adopted',
    suits: always,
    memory: true,
    usesNode: false,
    command: (setting, start) =>
      plain(mpirun(setting, start, peer(setting, start, 'bcast')), start.input.env),
  },
  {
    name: 'mpi-patient',
    about: "(d') by hand in C, Ibcast + sleep",
    how: 'adopted',
    suits: always,
    memory: false,
    usesNode: false,
    command: (setting, start) =>
      plain(mpirun(setting, start, peer(setting, start, 'patient')), start.input.env),
  },
  {
    name: 'floor',
    about: '(e) the floor: C, forked, one pipe',
    how: 'adopted',
    suits: always,
    memory: true,
    usesNode: false,
    command: ({ peers }, { input, ranks, folder, memory }) =>
      peers && { words: [peers.floor, String(ranks), folder, ...ifMemory(memory)], env: input.env },
  },
  {
    name: 'floor-node',
    about: "(e') the floor in Node: no negotiation",
    how: 'adopted',
    suits: always,
    memory: false,
    usesNode: true,
    command: (setting, start) =>
      plain(mpirun(setting, start, node(setting, start, 'hand', 'by-hand')), start.input.env),
  },
  {
    name: 'import',
    about: 'the control: ranks that only import',
    how: 'discovered',
    suits: always,
    memory: false,
    usesNode: true,
    command: (setting, start) =>
      plain(mpirun(setting, start, node(setting, start, 'import', 'rank')), start.input.env),
  },
];

/** Ranks that are no contenders, but what others are measured from. */
const bases: readonly Contender[] = [
  {
    name: 'import-local',
    about: 'ranks that only import',
    how: 'discovered',
    suits: always,
    memory: false,
    usesNode: true,
    command: (setting, start) => local(setting, start, node(setting, start, 'import', 'rank')),
  },
  {
    name: 'koffi',
    about: 'ranks that only import koffi',
    how: 'discovered',
    suits: always,
    memory: false,
    usesNode: true,
    command: (setting, start) => local(setting, start, node(setting, start, 'import', 'koffi')),
  },
];

/** @throws Error  naming those that are there. */
export function contender(name: string): Contender {
  const found = [...contenders, ...bases].find((each) => each.name === name);
  if (found === undefined)
    throw new Error(
      `no contender is called ${name}; there are ${contenders.map((each) => each.name).join(', ')}`,
    );
  return found;
}

function node(
  { product }: Setting,
  { folder, memory }: Start,
  how: string,
  module: 'rank' | 'hwloc' | 'koffi' | 'by-hand',
): string[] {
  return [
    process.execPath,
    join(product.bench, 'ranks/rank.mjs'),
    how,
    moduleOf(product, module),
    folder,
    ...ifMemory(memory),
  ];
}

function moduleOf(product: Product, module: Parameters<typeof node>[3]): string {
  switch (module) {
    case 'koffi':
      return module;
    case 'by-hand':
      return join(product.bench, 'ranks/by-hand.mjs');
    default:
      return product.module(module);
  }
}

function peer({ peers }: Setting, { folder, memory }: Start, how: string): string[] | undefined {
  return peers?.mpi === undefined ? undefined : [peers.mpi, how, folder, ...ifMemory(memory)];
}

function ifMemory(memory: boolean): string[] {
  return memory ? ['memory'] : [];
}

function mpirun(
  { mpirun }: Setting,
  { ranks }: Start,
  program: readonly string[] | undefined,
): string[] | undefined {
  if (mpirun === undefined || program === undefined) return undefined;
  const root = process.getuid?.() === 0 ? ['--allow-run-as-root'] : [];
  return [mpirun, ...root, '--oversubscribe', '--bind-to', 'none', '-n', String(ranks), ...program];
}

function local(setting: Setting, start: Start, program: readonly string[]): Command | undefined {
  return wrapped(setting, ['local', '-n', String(start.ranks), ...program], start);
}

function wrapped(
  { product }: Setting,
  words: readonly string[] | undefined,
  { input }: Start,
): Command | undefined {
  return words && { words: [...product.command, ...words], env: input.env };
}

function plain(words: readonly string[] | undefined, env: Command['env']): Command | undefined {
  return words && { words, env };
}
