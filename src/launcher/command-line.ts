// The command line: our options, then the launcher and all that is its own.

import yargs, { type Argv } from 'yargs';
import { defaultTimeout, ioFilters } from '../environment/index.js';

/** Our own options. What was not given is undefined, and leaves the environment as it is. */
export interface Options {
  readonly dir: string | undefined;
  readonly timeout: number | undefined;
  readonly io: string | undefined;
  readonly hole: string | undefined;
  readonly libhwloc: string | undefined;
  readonly strict: boolean | undefined;
  readonly verbose: boolean | undefined;
}

/** What a command line asks for. */
export type Request =
  | {
      readonly kind: 'launch';
      readonly command: string;
      readonly args: readonly string[];
      readonly options: Options;
    }
  | { readonly kind: 'local'; readonly job: LocalJob; readonly options: Options }
  | { readonly kind: 'clean'; readonly options: Options }
  | { readonly kind: 'print'; readonly text: string };

/** A job of the built-in launcher. */
export interface LocalJob {
  readonly ranks: number;
  readonly killOnBadExit: boolean;
  readonly program: string;
  readonly args: readonly string[];
}

/** The command line is not one of ours; the message is one line. Exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';
}

/** The most ranks of the built-in launcher: a slip of the finger must not start a million processes. */
const mostRanks = 4096;

const usage = `Usage: $0 [options] <launcher> [its arguments...]
       $0 [options] local -n N [--kill-on-bad-exit] program [its arguments...]
       $0 clean

Gives all ranks of a node one hardware topology: discovered once, mapped read-only by every rank.
Put it in front of mpirun, mpiexec, srun or another launcher, or use the built-in one (local).
In each rank: import { join } from 'hwloc-share/rank'.`;

/**
 * Reads a command line, without the interpreter and the script.
 *
 * @throws UsageError
 */
export async function parseCommandLine(words: readonly string[]): Promise<Request> {
  const { parsed, rest, printed } = await parseOptions(words, (parser) =>
    parser
      .usage(usage)
      .options({
        dir: {
          type: 'string',
          requiresArg: true,
          describe: 'directory in which the ranks of a node meet [/dev/shm]',
        },
        timeout: {
          type: 'number',
          requiresArg: true,
          describe: `seconds to wait for ranks that do not come [${defaultTimeout}]`,
        },
        io: { choices: ioFilters, requiresArg: true, describe: 'I/O objects in the topology [important]' },
        hole: {
          type: 'string',
          requiresArg: true,
          describe: 'where in memory: scatter, begin, biggest, libs, heap, stack, or 0xADDRESS [scatter]',
        },
        libhwloc: { type: 'string', requiresArg: true, describe: 'file of the libhwloc to use' },
        strict: {
          type: 'boolean',
          describe: 'let a rank that cannot share fail, instead of giving it a copy',
        },
        verbose: { type: 'boolean', describe: 'say on stderr what went well, too' },
        version: { type: 'boolean', describe: 'show the version' },
      })
      .help(),
  );
  if (printed !== '') return { kind: 'print', text: printed };
  if (parsed.version === true) return { kind: 'print', text: await version() };
  if (parsed.timeout !== undefined && !(parsed.timeout > 0)) {
    throw new UsageError('--timeout takes a number of seconds above 0');
  }
  const [command, ...args] = rest;
  if (command === undefined) {
    throw new UsageError(
      'no launcher was given; for example: hwloc-share mpirun -n 4 node job.mjs (see --help)',
    );
  }
  const { dir, timeout, io, hole, libhwloc, strict, verbose } = parsed;
  const options = { dir, timeout, io, hole, libhwloc, strict, verbose };
  if (command === 'clean') return { kind: 'clean', options };
  if (command === 'local') return { kind: 'local', job: await parseLocal(args), options };
  return { kind: 'launch', command, args, options };
}

async function parseLocal(words: readonly string[]): Promise<LocalJob> {
  const { parsed, rest } = await parseOptions(words, (parser) =>
    parser.options({
      n: { type: 'string', requiresArg: true },
      'kill-on-bad-exit': { type: 'boolean' },
    }),
  );
  const n = parsed.n ?? '';
  const ranks = Number(n);
  if (!/^\d+$/.test(n) || ranks < 1 || ranks > mostRanks) {
    throw new UsageError(`local needs -n N, the number of ranks, from 1 to ${mostRanks}${n && `, not ${n}`}`);
  }
  const [program, ...args] = rest;
  if (program === undefined) throw new UsageError(`local -n ${n} needs a program to run`);
  return { ranks, killOnBadExit: parsed['kill-on-bad-exit'] === true, program, args };
}

/** Parses options up to the first word that is none; that one, and what follows it, comes back as it was. */
async function parseOptions<Parsed>(words: readonly string[], declare: (parser: Argv) => Argv<Parsed>) {
  let misuse: string | undefined;
  let printed = '';
  const parser = yargs()
    .scriptName('hwloc-share')
    .parserConfiguration({
      'halt-at-non-option': true,
      'camel-case-expansion': false,
      'boolean-negation': false,
    })
    .version(false)
    .help(false)
    .strictOptions()
    .exitProcess(false)
    .wrap(110)
    .fail((message, error) => {
      misuse ??= (message || error.message).replace(/\s*\n\s*/g, ' ');
    });
  const parsed = await declare(parser).parseAsync([...words], {}, (_error, _argv, output) => {
    printed = output;
  });
  if (misuse !== undefined) throw new UsageError(`${misuse} (see --help)`);
  const rest = words.slice(words.length - parsed._.length);
  return { parsed, rest, printed };
}

async function version(): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  return `hwloc-share ${String((JSON.parse(text) as { version: unknown }).version)}`;
}
