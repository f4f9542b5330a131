// What can be wrong with a command line.

/** The command line is not one of ours; the message is one line. Exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';

  constructor(message: string) {
    super(`${message} (see --help)`);
  }
}
