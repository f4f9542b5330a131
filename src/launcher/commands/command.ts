// The type of a command: its manual, its options, and its function.

import type { Options, OptionTable } from '../command-line/options.js';
import type { Given } from '../command-line/parse-options.js';

/** The manual of a command. */
export interface Manual {
  /** `hwloc-share` for the wrapper itself, otherwise the command's own name. */
  readonly name: string;
  /** What it does, in a few words without a capital or a full stop. */
  readonly summary: string;
  /** The forms of its command line, without `hwloc-share [options]` at the beginning. */
  readonly synopsis: readonly string[];
  /** Paragraphs. */
  readonly description: readonly string[];
  readonly options: OptionTable;
  /** The words that it takes in addition to options, if there are only a few; otherwise they are files. */
  readonly operands?: readonly string[];
  readonly statuses: readonly ExitStatus[];
  readonly examples: readonly Example[];
}

/** One or several exit statuses: `128 + n`. */
export interface ExitStatus {
  readonly status: number | string;
  readonly meaning: string;
}

/** A command line to copy. */
export interface Example {
  readonly command: string;
  /** What it does, or when to use it. */
  readonly meaning: string;
}

/** A call of a command. */
export interface Call<Table extends OptionTable = OptionTable> {
  /** Its own options. */
  readonly given: Given<Table>;
  /** Its other words. */
  readonly operands: readonly string[];
  /**
   * The wrapper's options: those before the command's name, and those after it that are also in the command's
   * table.
   */
  readonly options: Options;
  /** Where this user's channels may be on this node. */
  readonly roots: readonly string[];
  /** Writes a line to stderr. */
  readonly complain: (text: string) => void;
  /**
   * All commands. If a command imported the table, the bundler would put the table into a file of its own,
   * which each job's start would read.
   */
  readonly commands: CommandTable;
}

/** A command. An option in its table with the name of a wrapper's option is that option. */
export interface Command<Table extends OptionTable = OptionTable> extends Manual {
  readonly options: Table;
  /**
   * Runs the command.
   *
   * @returns the exit status.
   * @throws UsageError    its words are wrong.
   * @throws CommandError  the command cannot do what was asked.
   */
  run(call: Call<Table>): Promise<number>;
}

/** Commands by name, each imported when it is needed. */
export type CommandTable = Readonly<Record<string, () => Promise<Command>>>;
