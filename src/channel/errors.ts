// What can be wrong with what comes through a channel.

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
