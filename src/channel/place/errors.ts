// A place that was refused.

/** A directory or file at a name of ours is not what it should be; using it could serve or harm somebody else. */
export class ChannelRefusedError extends Error {
  override readonly name = 'ChannelRefusedError';
  readonly code = 'CHANNEL_REFUSED';

  constructor(
    readonly path: string,
    readonly why: string,
  ) {
    super(`${path} ${why}; refused: remove it, or set HWLOC_SHARE_DIR to another directory`);
  }
}
