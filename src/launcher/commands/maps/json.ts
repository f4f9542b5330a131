// A comparison as JSON, which maps reads again: a recorded job.

import { formatAddress } from '../../../maps/index.js';
import type { Comparison, Source } from './spaces.js';

/** Of the format: a reader should refuse one that it does not know. */
const formatVersion = 1;

export function recordOf(
  sources: readonly Source[],
  comparison: Comparison,
  title: string | undefined,
): object {
  const { chosen, holes, whyNot, policy } = comparison;
  return {
    version: formatVersion,
    ...(title === undefined ? {} : { title }),
    // Only what was chosen is recorded as such; what would be may be chosen anew.
    ...(chosen === undefined || chosen.how === 'would'
      ? {}
      : { address: formatAddress(chosen.start), bytes: chosen.end - chosen.start }),
    ...(chosen?.how === 'would'
      ? { wouldChoose: { policy, address: formatAddress(chosen.start), bytes: chosen.end - chosen.start } }
      : {}),
    ...(whyNot === undefined ? {} : { whyNot }),
    holes: holes.map(({ start, end }) => ({ address: formatAddress(start), bytes: end - start })),
    spaces: sources.map(({ name, lines }) => ({ name, maps: lines })),
  };
}
