// Address spaces through pipes: what a leader gathers is what a member sent.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatMessage, maxLineBytes, parseMessage } from '../../src/channel/index.js';
import {
  type Occupied,
  combine,
  occupiedFrom,
  ownOccupied,
  parseMaps,
  rangeSet,
} from '../../src/maps/index.js';
import { formatRange } from '../support/ranges.js';
import { RangeGatherer, mostRanges, rangeMessages } from '../../src/rank/address-space.js';

const landmarks = { heapEnd: undefined, stackStart: undefined };

/** Sends an address space as a member does, and gathers it as a leader does. */
function throughPipe(occupied: Occupied): Occupied {
  const text = rangeMessages({ words: occupied.ranges.map(formatRange) })
    .map(formatMessage)
    .join('');
  const gatherer = new RangeGatherer();
  for (const line of text.trimEnd().split('\n')) {
    expect(line.length).toBeLessThan(maxLineBytes);
    const message = parseMessage(line);
    if (message.verb === 'ranges') gatherer.take(message);
    else expect(message.verb).toBe('end');
  }
  return combine([gatherer.finish(landmarks)]);
}

describe('the ranges of a rank', () => {
  test('come through as they are: of this process', () => {
    const { ranges } = ownOccupied();
    expect(throughPipe({ ranges })).toEqual({ ranges });
  });

  test('come through as they are: any', () => {
    const page = fc.integer({ min: 1, max: 2 ** 35 }).map((number) => number * 4096);
    const range = fc.record({ start: page, pages: fc.integer({ min: 1, max: 1000 }) });
    fc.assert(
      fc.property(fc.array(range, { maxLength: 1000 }), (given) => {
        const ranges = rangeSet(given.map(({ start, pages }) => ({ start, end: start + pages * 4096 })));
        expect(throughPipe({ ranges })).toEqual({ ranges });
      }),
      { numRuns: 50 },
    );
  });

  test('may be sent as the lines of /proc/self/maps', () => {
    const text = readFileSync('/proc/self/maps', 'latin1');
    const gatherer = new RangeGatherer();
    for (const line of text.trimEnd().split('\n')) {
      const message = parseMessage(line);
      if (message.verb !== 'ranges') throw new Error(line);
      gatherer.take(message);
    }
    expect(combine([gatherer.finish(landmarks)]).ranges).toEqual(occupiedFrom(parseMaps(text)).ranges);
  });

  test('are refused when they are inverted, or more than a process can have', () => {
    const gatherer = new RangeGatherer();
    expect(() => {
      gatherer.take({ verb: 'ranges', text: '2000-1000' });
    }).toThrow('2000-1000 is not a range');
    const text = Array<string>(1000).fill('1000-2000').join(' ');
    expect(() => {
      for (let sent = 0; sent <= mostRanges; sent += 1000) gatherer.take({ verb: 'ranges', text });
    }).toThrow(`more than ${mostRanges} ranges`);
  });
});
