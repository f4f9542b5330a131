// What the ranks of a node occupy in their address spaces, and what else their leader needs of them to choose and to load.

import type { Message, OccupiedWords } from '../../channel/index.js';
import { type Claimed, type Range, parseRanges } from '../../maps/index.js';
import { type Allowed, sameAllowed } from '../allowed.js';
import type { Heard } from '../meeting/steps.js';

/** The most ranges that are taken from one rank: as many mappings as a process may have (vm.max_map_count is 65,530 by default). */
const mostRanges = 1 << 16;

/** A line of several writes whose end has not come yet. */
interface Unfinished {
  readonly heard: Heard;
  readonly ranges: Range[];
  readonly first: OccupiedWords;
}

/** What came with the lines of the lobby, by local rank. */
export interface Reported {
  /**
   * Takes a message.
   *
   * @returns what the machine has to hear of it; undefined until its last line has come.
   * @throws RangeError  for an inverted range, an empty one, or more of them than a process can have.
   */
  take(message: Message): Heard | undefined;
  /** What is occupied in each rank that has told. */
  occupied(): Claimed[];
  /** Whether every rank is allowed the same as this one. */
  allAllowed(own: Allowed): boolean;
  /** A rank's number in the job, where it has told it. */
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
