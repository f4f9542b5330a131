// The error for a directory or file that is not safe to use.

import { HwlocShareError } from '../../errors/index.js';

/** What the user can do about it. `none`: it belongs to another user, who may be using it. */
export type Remedy = 'remove' | 'close' | 'none';

const advices = {
  remove: 'remove it, or ',
  close: 'close it to others (chmod 700), or ',
  none: '',
} satisfies Record<Remedy, string>;

/**
 * A directory or file with a name of hwloc-share is not what it should be. Using it could help or harm
 * another user.
 */
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
