// The error for a value that a caller gave.

import { HwlocShareError } from '../errors/index.js';

/** An argument or an option of a public function is not what the function accepts. Nothing was done. */
export class InvalidArgumentError extends HwlocShareError {
  override readonly name = 'InvalidArgumentError';

  /** @internal */
  constructor(reason: string) {
    super('HWLOC_SHARE_INVALID_ARGUMENT', { reason });
  }
}
