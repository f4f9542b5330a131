// A discovery in a rank: of this machine, or of what hwloc's environment variables name instead. It has an end in any case.

import type { Settings } from '../environment/index.js';
import { type LoadOptions, type Topology, loadWithin } from '../hwloc/index.js';

/** What a discovery needs to know of a join. */
export interface Discovering {
  readonly settings: Pick<Settings, 'io' | 'timeout'>;
  readonly notice: (text: string) => void;
}

/**
 * Discovers the machine within the timeout, else without hwloc's plugins.
 *
 * @throws HwlocError  `ETIMEDOUT`: not even that ended, within some minutes.
 */
export function discover({ settings, notice }: Discovering, options: LoadOptions = {}): Promise<Topology> {
  return loadWithin({ io: settings.io, ...options }, { seconds: settings.timeout }, notice);
}
