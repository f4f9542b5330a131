// What a command of ours is: what is said of it, its options, and what it does.

import type { Options, OptionTable } from '../command-line/options.js';
import type { Given } from '../command-line/parse-options.js';

/** All that a user must know of a command. */
export interface Manual {
  /** `hwloc-share` for the wrapper itself, else the word behind it. */
  readonly name: string;
  /** What it does, in a few words without a capital or a full stop. */
  readonly summary: string;
  /** The forms of its command line, each as it stands behind `hwloc-share [options]`. */
  readonly synopsis: readonly string[];
  /** Paragraphs. */
  readonly description: readonly string[];
  readonly options: OptionTable;
  /** The words that it takes apart from options, if there are only a few; otherwise they are files. */
  readonly operands?: readonly string[];
  readonly statuses: readonly ExitStatus[];
  readonly examples: readonly Example[];
}

/** An exit status, or several: `128 + n`. */
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

/** How a command was called. */
export interface Call<Table extends OptionTable = OptionTable> {
  /** Its own options. */
  readonly given: Given<Table>;
  /** Its other words. */
  readonly operands: readonly string[];
  /** The wrapper's options: those before the command's name, and those behind it that its table has too. */
  readonly options: Options;
  /** Where this user's channels may be on this node. */
  readonly roots: readonly string[];
  /** Says something on stderr, in one line. */
  readonly complain: (text: string) => void;
  /** All commands. Whoever imported the table of them would make it a file of its own in the bundle, which each job's start reads. */
  readonly commands: CommandTable;
}

/** One command. What its table has under the name of a wrapper's option is that option. */
export interface Command<Table extends OptionTable = OptionTable> extends Manual {
  readonly options: Table;
  /**
   * Does it.
   *
   * @returns the exit status.
   * @throws UsageError    its words make no sense.
   * @throws CommandError  it cannot be done.
   */
  run(call: Call<Table>): Promise<number>;
}

/** Commands by name, each imported when it is asked for. */
export type CommandTable = Readonly<Record<string, () => Promise<Command>>>;
