// What can be wrong with what comes through a channel.

/** The ranks of another job step meet in the channel of this name. Users never see it: the rank goes to another channel. */
export class OtherStepError extends Error {
  override readonly name = 'OtherStepError';

  constructor(path: string) {
    super(`${path} is the channel of another job step`);
  }
}

/** A line that is not of the protocol. The message names the line; the job goes on without the rank that sent it. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code = 'PROTOCOL';

  /** @param line  The line as it came; only its beginning is kept. */
  constructor(
    readonly why: string,
    line: string,
  ) {
    super(`${why}: ${JSON.stringify(line.length > 80 ? `${line.slice(0, 77)}...` : line)}`);
  }
}
