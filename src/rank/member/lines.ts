// Formats a rank's messages as lines, and adds the facts that only its process knows.

import { type Message, type OccupiedWords, formatMessage, maxLineBytes } from '../../channel/index.js';
import { abi } from '../../hwloc/index.js';
import { ownTold } from '../../maps/index.js';
import type { Context } from '../context.js';
import type { Saying } from '../meeting/steps.js';

/** Bytes for everything but the ranges in a line. */
const headBytes = 512;

/** The lines, each with its newline, of a message in the lobby. */
export function linesFor({ identity, allowed }: Context, say: Saying, round: number): string[] {
  const from = { local: identity.localRank, round };
  switch (say.verb) {
    case 'hello':
      return withRanges((occupied) => ({
        verb: 'hello',
        ...from,
        rank: identity.rank,
        abi: abi(),
        cpus: short(allowed.cpus),
        mems: short(allowed.nodes),
        ...occupied,
      })).map(lineOf);
    case 'busy':
      return withRanges((occupied) => ({ verb: 'busy', ...from, ...occupied })).map(lineOf);
    case 'declined':
      return [lineOf({ ...say, ...from, reason: say.reason.slice(0, 500) })];
    case 'failed':
      return [lineOf({ ...say, ...from, reason: say.reason.slice(0, 500) })];
    default:
      return [lineOf({ ...say, ...from } as Message)];
  }

  function withRanges(first: (occupied: OccupiedWords) => Message): Message[] {
    const { words, heapEnd, stackStart } = ownTold();
    const pieces = piecesOf(words);
    return pieces.map((ranges, i) => {
      const more = i < pieces.length - 1;
      return i === 0
        ? first({ ranges, more, heapEnd, stackStart })
        : { verb: 'ranges', ...from, ranges, more };
    });
  }
}

/** Leaves out a list of CPUs that takes more than half a line: the leader then assumes its own. */
function short(list: string | undefined): string | undefined {
  return list !== undefined && list.length <= headBytes / 2 ? list : undefined;
}

function lineOf(message: Message): string {
  return `${formatMessage(message)}\n`;
}

/** Splits ranges into pieces that fit into a line. A process usually has 25 ranges, which take 700 bytes. */
function piecesOf(words: readonly string[]): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (const word of words) {
    if (piece.length + 1 + word.length > maxLineBytes - headBytes) {
      pieces.push(piece);
      piece = word;
    } else piece = piece === '' ? word : `${piece} ${word}`;
  }
  return [...pieces, piece];
}
