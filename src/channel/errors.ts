// The errors of data that comes through a channel.

import { HwlocShareError } from '../errors/index.js';

/**
 * The ranks of another job step meet in the channel of this name. Users never see this error: the rank goes
 * to another channel.
 */
export class OtherStepError extends HwlocShareError {
  override readonly name = 'OtherStepError';

  constructor(path: string) {
    super('HWLOC_SHARE_OTHER_STEP', { reason: `${path} is the channel of another job step` });
  }
}

/**
 * A line that does not follow the protocol. The message quotes the line. The job continues without the rank
 * that sent it.
 */
export class ProtocolError extends HwlocShareError {
  override readonly name = 'ProtocolError';

  /** @param line  The line as received; only its beginning is kept. */
  constructor(why: string, line: string) {
    const shown = JSON.stringify(line.length > 80 ? `${line.slice(0, 77)}...` : line);
    super('HWLOC_SHARE_PROTOCOL', { reason: `${why}: ${shown}` });
  }
}
