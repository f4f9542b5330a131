// The errors of a command line, and of what it asks for.

import { HwlocShareError } from '../errors/index.js';

/** The command line is wrong. The message is one line. Exit status 2. */
export class UsageError extends HwlocShareError {
  override readonly name = 'UsageError';

  constructor(reason: string) {
    super('HWLOC_SHARE_USAGE', { reason, advice: 'see --help', message: `${reason} (see --help)` });
  }
}

/** A command cannot do what was asked. The message is one line. Exit status 1. */
export class CommandError extends HwlocShareError {
  override readonly name = 'CommandError';

  constructor(reason: string) {
    super('HWLOC_SHARE_COMMAND', { reason });
  }
}
