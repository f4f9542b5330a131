// A rank's address space as it goes through a pipe: the ranges that are occupied, as lines.

import type { End, Ranges } from '../channel/index.js';
import { type Claimed, type Range, type Told, parseRanges } from '../maps/index.js';

/** 250 words of at most 33 characters stay within a line's bounds. */
const rangesPerLine = 200;

/**
 * The most ranges that are taken from one rank: as many mappings as a process may have (vm.max_map_count is 65,530 by default).
 */
export const mostRanges = 1 << 16;

/** The messages that tell a leader what is occupied. */
export function rangeMessages({ words }: Pick<Told, 'words'>): (Ranges | End)[] {
  const lines: (Ranges | End)[] = [];
  for (let at = 0; at < words.length; at += rangesPerLine) {
    lines.push({ verb: 'ranges', text: words.slice(at, at + rangesPerLine).join(' ') });
  }
  return [...lines, { verb: 'end' }];
}

/** Gathers the ranges that a member sends, until its `end`. */
export class RangeGatherer {
  #ranges: Range[] = [];

  /** @throws RangeError  for an inverted range, an empty one, or more of them than a process can have. */
  take(message: Ranges): void {
    parseRanges(message.text, this.#ranges);
    if (this.#ranges.length > mostRanges) throw new RangeError(`more than ${mostRanges} ranges`);
  }

  /** What was gathered; the gatherer is empty afterwards. */
  finish(landmarks: { heapEnd: number | undefined; stackStart: number | undefined }): Claimed {
    const ranges = this.#ranges;
    this.#ranges = [];
    const { heapEnd, stackStart } = landmarks;
    return {
      ranges,
      ...(heapEnd === undefined ? {} : { heapEnd }),
      ...(stackStart === undefined ? {} : { stackStart }),
    };
  }
}
