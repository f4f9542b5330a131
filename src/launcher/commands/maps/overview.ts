// Draws the upper part of the picture: the whole address space, true to scale.

import { SCATTER_WINDOWS } from '../../../maps/index.js';
import { bytes } from '../text.js';
import { element, line, rect, text } from './elements.js';
import { kinds } from './kinds.js';
import {
  byImportance,
  clamp,
  describe,
  drawZones,
  green,
  hexOf,
  left,
  nameAt,
  red,
  right,
  sayRange,
  type Drawn,
} from './drawing.js';
import { whole } from './scale.js';
import type { Chosen, Comparison } from './spaces.js';

/** @param top  Where it begins in the picture. */
export function drawOverview(comparison: Comparison, top: number): Drawn {
  const { spaces, holes, chosen } = comparison;
  const at = (address: number) => left + (address / whole) * (right - left);
  const first = top + 76;
  const step = clamp(190 / spaces.length, 2.5, 24);
  const bar = step > 8 ? step - 4 : step * 0.8;
  const freeTop = first + spaces.length * step + 6;
  const bottom = freeTop + 22;

  const pinned = chosen === undefined ? -1 : at(chosen.start);
  const bandLabel = (words: string, from: number, to: number, y: number) =>
    // Next to the pin.
    pinned > from && pinned < from + 110
      ? text(to - 8, y, words, { class: 'note', 'text-anchor': 'end' })
      : text(from + 8, y, words, { class: 'note' });
  const searched = comparison.policy === 'scatter' ? SCATTER_WINDOWS : [];
  const bands = searched.flatMap(({ start, end }, i) => [
    rect(at(start), first - 22, at(end) - at(start), bottom - first + 22, { fill: '#fbf3d9' }),
    bandLabel(i === 0 ? 'searched first' : 'then here', at(start), at(end), first - 8),
  ]);
  const rows = spaces.flatMap(({ name, runs }, i) => {
    const y = first + i * step;
    return [
      rect(left, y, right - left, bar, { fill: '#000', 'fill-opacity': 0.045 }),
      ...(step > 8 || i % Math.ceil(12 / step) === 0 ? [nameAt(name, y + bar / 2)] : []),
      ...byImportance(runs).map((run) => {
        const wide = Math.max(2, at(run.end) - at(run.start));
        return rect(
          Math.min(at(run.start), right - wide),
          y,
          wide,
          bar,
          { fill: kinds[run.kind].fill },
          describe(name, run),
        );
      }),
    ];
  });
  const free = [
    nameAt('free in all', freeTop + 9),
    rect(left, freeTop, right - left, 18, { fill: '#777' }),
    ...holes
      .filter((hole) => at(hole.end) - at(hole.start) > 0.5)
      .map((hole) => {
        const [x, wide] = [at(hole.start), at(hole.end) - at(hole.start)];
        // An occupied range between two holes must be at least a pixel wide.
        return rect(
          x + 0.7,
          freeTop,
          Math.max(0.2, wide - 1.4),
          18,
          { fill: green },
          `free in all: ${sayRange(hole)}`,
        );
      }),
    ...holes
      .filter((hole) => at(hole.end) - at(hole.start) > 60)
      .map((hole) =>
        text((at(hole.start) + at(hole.end)) / 2, freeTop + 13, bytes(hole.end - hole.start), {
          class: 'free',
          'text-anchor': 'middle',
        }),
      ),
  ];
  const axis = Array.from({ length: 9 }, (_, i) => {
    const address = (i * whole) / 8;
    return [
      line(at(address), bottom, at(address), bottom + 6, { stroke: '#555' }),
      text(at(address), bottom + 19, hexOf(address), { class: 'note', 'text-anchor': 'middle' }),
    ];
  }).flat();
  const zones = drawZones(comparison, at, bottom + 28);
  return {
    elements: [
      text(30, top, 'In true proportion', { class: 'panel' }),
      text(215, top, 'the 47 bits of a user’s addresses, 128 TiB; what is mapped is drawn wider than it is', {
        class: 'note',
      }),
      ...bands,
      ...rows,
      ...free,
      ...axis,
      ...zones.elements,
      ...(chosen === undefined ? [] : pin(chosen, at(chosen.start), top + 30, bottom, comparison)),
    ],
    bottom: zones.bottom,
  };
}

/** Marks the chosen address: a line through all rows, with a label on top. */
function pin(chosen: Chosen, x: number, top: number, bottom: number, { spaces }: Comparison): string[] {
  const words = `${hexOf(chosen.start)}: ${bytes(chosen.end - chosen.start)}, ${
    chosen.how === 'would'
      ? 'free in all'
      : chosen.how === 'recorded'
        ? 'chosen'
        : `mapped in ${chosen.adopters} of ${spaces.length}`
  }`;
  const anchor = x < left + 150 ? 'start' : x > right - 150 ? 'end' : 'middle';
  return [
    line(x, top + 6, x, bottom, { stroke: red, 'stroke-width': 2 }),
    element('circle', { cx: x, cy: top + 6, r: 4, fill: red }),
    text(x, top - 4, words, { class: 'chosen', 'text-anchor': anchor }),
  ];
}
