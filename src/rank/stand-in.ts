// A rank that leads in the place of local rank 0, of which there is no sign that it will ever come.

import { type Channel, isThere } from '../channel/index.js';
import { type Claim, claim } from './claim.js';
import type { Context } from './context.js';
import { Signs } from './signs.js';

/** Watches for local rank 0, and claims the lead where it is in vain. Who is first leads; the mark is made once. */
export class StandIn {
  readonly #channel: Channel;
  readonly #signs: Signs;

  constructor(context: Context, channel: Channel) {
    this.#channel = channel;
    this.#signs = new Signs(context, channel);
  }

  /** @returns undefined if there is a sign of local rank 0, or somebody leads. */
  claim(): Claim | undefined {
    if (isThere(this.#channel.leader) || this.#signs.lacking([0], []).length === 0) return undefined;
    return claim(this.#channel);
  }
}
