// Formats a comparison as JSON. `maps` can read it again, as a recorded job.

import { formatAddress } from '../../../maps/index.js';
import type { Comparison, Source } from './spaces.js';

/** The version of this format. A reader should refuse a version that it does not know. */
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
    // Only an address that was really chosen is recorded. A proposed one may be computed again.
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
