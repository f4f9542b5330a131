// Reads the command line: the wrapper's own options, then the launcher with its own words.

import { commands } from '../commands/index.js';
import { hasOtherBytes, longestTimeout } from '../../environment/index.js';
import { UsageError } from '../errors.js';
import type * as Tables from './options.js';
import type { Options } from './options.js';
import type { Given, Split } from './parse-options.js';
import type { Owner } from './unknown-option.js';

/** What a command line asks for. */
export type Request =
  | {
      readonly kind: 'launch';
      readonly command: string;
      readonly args: readonly string[];
      readonly options: Options;
    }
  | { readonly kind: 'local'; readonly job: LocalJob; readonly options: Options }
  | CommandRequest
  | { readonly kind: 'print'; readonly text: string };

/** One of the wrapper's own commands. */
export interface CommandRequest {
  readonly kind: 'command';
  readonly name: string;
  readonly given: Given<Tables.OptionTable>;
  readonly operands: readonly string[];
  readonly options: Options;
}

/** A job of the built-in launcher. */
export interface LocalJob {
  readonly ranks: number;
  readonly killOnBadExit: boolean;
  /** Whether each line of output begins with the number of its rank. */
  readonly label: boolean;
  /** What each rank is bound to, if to anything. */
  readonly bindTo: 'core' | undefined;
  readonly program: string;
  readonly args: readonly string[];
}

/** The most ranks of the built-in launcher: a typing error must not start a million processes. */
const mostRanks = 4096;

/**
 * Reads a command line, without the interpreter and the script.
 *
 * @throws UsageError
 */
export async function parseCommandLine(words: readonly string[]): Promise<Request> {
  const { given, rest } = await split(words, (tables) => tables.ownOptions);
  if (given.help === true) return help('hwloc-share');
  if (given.version === true) return { kind: 'print', text: await version() };
  const options = await optionsFrom(given);

  const [command, ...args] = rest;
  if (command === undefined || command === '') {
    throw new UsageError('no launcher was given; for example: hwloc-share mpirun -n 4 node job.mjs');
  }
  if (command === 'local') return parseLocal(args, options);
  if (Object.hasOwn(commands, command)) return parseCommand(command, args, options);
  return { kind: 'launch', command, args, options };
}

/** Converts the wrapper's own options to the values used from here on. */
async function optionsFrom(given: Given<typeof Tables.ownOptions>): Promise<Options> {
  const { dir, io, hole, libhwloc, xmlfile, strict, verbose, report, trace } = given;
  const timeout = timeoutOf(given.timeout);
  if (libhwloc !== undefined && hasOtherBytes(libhwloc)) {
    throw new UsageError(`--libhwloc takes a name in UTF-8: Node cannot load ${libhwloc}`);
  }
  if (hole !== undefined) (await import('./hole.js')).policyFrom(hole, '--hole');
  return { dir, timeout, io, hole, libhwloc, xmlfile, strict, verbose, report, trace };
}

async function parseCommand(name: string, words: readonly string[], before: Options): Promise<Request> {
  const table = (await commands[name]?.())?.options ?? {};
  const { given, rest } = await commandOptions(words, table, name);
  if (given.help === true) return help(name);
  const behind = Object.entries(await optionsFrom(given)).filter(([, value]) => value !== undefined);
  const options = { ...before, ...(Object.fromEntries(behind) as Partial<Options>) };
  return { kind: 'command', name, given, operands: rest, options };
}

async function help(name: string): Promise<Request> {
  return { kind: 'print', text: await (await import('../man/manual.js')).helpOf(name, commands) };
}

async function parseLocal(words: readonly string[], options: Options): Promise<Request> {
  const { given, rest, typed } = await split(words, (tables) => tables.localOptions, 'local');
  if (given.help === true) return help('local');
  const { n } = given;
  if (n === undefined) throw new UsageError('local needs the number of ranks: -n N');
  const ranks = /^\d+$/.test(n) ? Number(n) : NaN;
  if (!(ranks >= 1 && ranks <= mostRanks)) {
    throw new UsageError(`${typed('n')} takes the number of ranks, from 1 to ${mostRanks}, not ${n}`);
  }
  const [program, ...args] = rest;
  if (program === undefined || program === '') {
    throw new UsageError(`local ${typed('n')} ${n} needs a program to run`);
  }
  const job = {
    ranks,
    killOnBadExit: given['kill-on-bad-exit'] === true,
    label: given.label === true,
    bindTo: given['bind-to'] === 'core' ? ('core' as const) : undefined,
  };
  return { kind: 'local', job: { ...job, program, args }, options };
}

/** Parses the options before the rest. Often there are none: then no parser is loaded. */
async function split<Table extends Tables.OptionTable>(
  words: readonly string[],
  choose: (tables: typeof Tables) => Table,
  command = '',
): Promise<Split<Table>> {
  if (words[0]?.startsWith('-') !== true) return withoutOptions(words);
  const { parseOptions } = await import('./parse-options.js');
  return parseOptions(words, choose(await import('./options.js')), ownerOf(command));
}

/** Options among the words of a command. */
async function commandOptions<Table extends Tables.OptionTable>(
  words: readonly string[],
  table: Table,
  command: string,
): Promise<Split<Table>> {
  if (!words.some((word) => word.startsWith('-'))) return withoutOptions(words);
  return (await import('./command-options.js')).parseCommandOptions(words, table, ownerOf(command));
}

function withoutOptions<Table extends Tables.OptionTable>(words: readonly string[]): Split<Table> {
  return { given: {}, rest: words, typed: (name) => name };
}

function ownerOf(command: string): Owner {
  return { command, commands: Object.keys(commands) };
}

function timeoutOf(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const seconds = given.trim() === '' ? NaN : Number(given);
  if (seconds > 0 && seconds <= longestTimeout) return seconds;
  throw new UsageError(
    `--timeout takes a number of seconds above 0, and up to ${longestTimeout}, not ${given}`,
  );
}

async function version(): Promise<string> {
  const { readManifest } = await import('../manifest.js');
  return `hwloc-share ${(await readManifest()).version}`;
}
