// Whose life this rank's channel depends on.

import { type Keeper, currentKeeper, keeperOf } from '../channel/place/index.js';
import type { Identity } from '../launcher/kinds/index.js';

/** The launcher's process above this rank; this rank itself where that one cannot be seen. */
export function keeperFor(identity: Identity): Keeper {
  return keeperOf(identity.keeper) ?? currentKeeper();
}
