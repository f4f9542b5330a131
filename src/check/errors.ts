// The error for a value that a caller gave.

import { HwlocShareError } from '../errors/index.js';

/** A public function does not accept an argument or an option. Nothing was done. */
export class InvalidArgumentError extends HwlocShareError {
  override readonly name = 'InvalidArgumentError';

  /** @internal */
  constructor(reason: string) {
    super('HWLOC_SHARE_INVALID_ARGUMENT', { reason });
  }
}
