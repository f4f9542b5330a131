// What a command of ours is: what is said of it, its options, and what it does.

import type { Options } from '../command-line.js';
import type { Manual } from '../manual.js';
import type { OptionTable } from '../options.js';
import type { Given } from '../parse-options.js';

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
