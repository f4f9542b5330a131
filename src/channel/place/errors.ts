// A place that was refused.

/** What the user can do about it: nothing where it is somebody else's, who may be using it. */
export type Remedy = 'remove' | 'close' | 'none';

const advice = {
  remove: 'remove it, or ',
  close: 'close it to others (chmod 700), or ',
  none: '',
} satisfies Record<Remedy, string>;

/** A directory or file at a name of ours is not what it should be; using it could serve or harm somebody else. */
export class ChannelRefusedError extends Error {
  override readonly name = 'ChannelRefusedError';
  readonly code = 'CHANNEL_REFUSED';

  constructor(
    readonly path: string,
    readonly why: string,
    readonly remedy: Remedy = 'remove',
  ) {
    super(`${path} ${why}; refused: ${advice[remedy]}set HWLOC_SHARE_DIR to another directory`);
  }
}
