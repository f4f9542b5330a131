// Collects the reports of the ranks of a node: their occupied ranges, and what else the leader needs to
// choose an address and to load.

import type { Message, OccupiedWords } from '../../channel/index.js';
import { type Claimed, type Range, parseRanges } from '../../maps/index.js';
import { type Allowed, sameAllowed } from '../allowed.js';
import type { Heard } from '../meeting/steps.js';

/**
 * The maximum number of ranges accepted from one rank: as many mappings as a process may have
 * (vm.max_map_count is 65,530 by default).
 */
const mostRanges = 1 << 16;

/** A message in several lines whose last line has not come yet. */
interface Unfinished {
  readonly heard: Heard;
  readonly ranges: Range[];
  readonly first: OccupiedWords;
}

/** The contents of the ranks' messages, by local rank. */
export interface Reported {
  /**
   * Takes a message.
   *
   * @returns the part for the state machine; undefined until the last line of the message has come.
   * @throws RangeError  for an inverted range, an empty one, or more ranges than a process can have.
   */
  take(message: Message): Heard | undefined;
  /** The occupied ranges of each rank that has reported them. */
  occupied(): Claimed[];
  /** Whether every rank may use the same resources as this one. */
  allAllowed(own: Allowed): boolean;
  /** A rank's number in the job, if the rank has reported it. */
  rankOf(local: number): number | undefined;
}

export function reportedByRanks(): Reported {
  const unfinished = new Map<number, Unfinished>();
  const claimed = new Map<number, Claimed>();
  const allowed = new Map<number, Allowed>();
  const numbers = new Map<number, number>();

  const gather = (heard: Heard, first: OccupiedWords, ranges: Range[], line: OccupiedWords) => {
    const { local } = heard;
    unfinished.delete(local);
    parseRanges(line.ranges, ranges);
    if (ranges.length > mostRanges) throw new RangeError(`more than ${mostRanges} ranges`);
    if (line.more) {
      unfinished.set(local, { heard, ranges, first });
      return undefined;
    }
    const { heapEnd, stackStart } = first;
    claimed.set(local, {
      ranges,
      ...(heapEnd === undefined ? {} : { heapEnd }),
      ...(stackStart === undefined ? {} : { stackStart }),
    });
    return heard;
  };

  return {
    take(message) {
      const { local, round } = message;
      switch (message.verb) {
        case 'hello':
          allowed.set(local, { cpus: message.cpus, nodes: message.mems });
          numbers.set(local, message.rank);
          return gather({ verb: 'hello', local, round }, message, [], message);
        case 'busy':
          return gather({ verb: 'busy', local, round }, message, [], message);
        case 'ranges': {
          const begun = unfinished.get(local);
          return begun === undefined ? undefined : gather(begun.heard, begun.first, begun.ranges, message);
        }
        default:
          return message;
      }
    },
    occupied: () => [...claimed.values()],
    allAllowed: (own) => [...allowed.values()].every((theirs) => sameAllowed(theirs, own)),
    rankOf: (local) => numbers.get(local),
  };
}
