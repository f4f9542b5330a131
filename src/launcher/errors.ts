// What can be wrong with a command line, and with what it asks for; and what an error says.

/** The command line is not one of ours; the message is one line. Exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';

  constructor(message: string) {
    super(`${message} (see --help)`);
  }
}

/** A command of ours cannot do what was asked; the message is one line. Exit status 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly code = 'COMMAND';
}

/** An error's own words, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
