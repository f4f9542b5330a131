// A place that was refused.

import { HwlocShareError } from '../../errors/index.js';

/** What the user can do about it: nothing where it is somebody else's, who may be using it. */
export type Remedy = 'remove' | 'close' | 'none';

const advices = {
  remove: 'remove it, or ',
  close: 'close it to others (chmod 700), or ',
  none: '',
} satisfies Record<Remedy, string>;

/** A directory or file at a name of ours is not what it should be; using it could serve or harm somebody else. */
export class ChannelRefusedError extends HwlocShareError {
  override readonly name = 'ChannelRefusedError';

  constructor(
    readonly path: string,
    readonly why: string,
    readonly remedy: Remedy = 'remove',
  ) {
    const advice = `${advices[remedy]}set HWLOC_SHARE_DIR to another directory`;
    const reason = `${path} ${why}`;
    super('HWLOC_SHARE_CHANNEL_REFUSED', { reason, advice, message: `${reason}; refused: ${advice}` });
  }
}
