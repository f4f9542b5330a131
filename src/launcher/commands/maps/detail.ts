// Draws the lower part of the picture: the address space with the empty parts cut out.

import { bytes } from '../text.js';
import { element, line, rect, text, uprightText } from './elements.js';
import { kinds } from './kinds.js';
import {
  byImportance,
  clamp,
  darkGreen,
  describe,
  drawZones,
  hexOf,
  left,
  nameAt,
  red,
  right,
  sayRange,
  type Drawn,
} from './drawing.js';
import { type CutScale, cutScale } from './scale.js';
import type { Chosen, Comparison, Run } from './spaces.js';

/** @param top  Where it begins in the picture. */
export function drawDetail(comparison: Comparison, top: number): Drawn {
  const { spaces, chosen } = comparison;
  const scale = cutScale(comparison, left, right - left);
  const first = top + 74;
  const step = clamp(420 / spaces.length, 3, 44);
  const bar = step > 10 ? step - 5 : step * 0.85;
  const bottom = first + spaces.length * step;
  const rows = spaces.flatMap(({ name, runs }, i) => {
    const y = first + i * step;
    return [
      rect(left, y, right - left, bar, { fill: '#000', 'fill-opacity': 0.045 }),
      ...(step > 10 || i % Math.ceil(12 / step) === 0 ? [nameAt(name, y + bar / 2)] : []),
      ...byImportance(runs).flatMap((run) => drawRun(name, run, scale, y, bar)),
    ];
  });
  const addresses = drawAddresses(scale, bottom + 8);
  const below = drawZones(comparison, (address) => scale.at(address), addresses.bottom);
  return {
    elements: [
      text(30, top, 'With the empty parts cut out', { class: 'panel' }),
      text(
        315,
        top,
        'room by the logarithm of the size; hatched: free in all, and how much of it was cut out',
        { class: 'note' },
      ),
      ...drawCuts(scale, first, bottom, comparison),
      ...rows,
      ...(chosen === undefined ? [] : drawChosenColumn(chosen, scale, first, bottom)),
      ...addresses.elements,
      ...below.elements,
    ],
    bottom: below.bottom,
  };
}

function drawRun(name: string, run: Run, scale: CutScale, y: number, bar: number): string[] {
  const [from, to] = [scale.at(run.start), scale.at(run.end)];
  const wide = Math.max(1, to - from);
  const { fill, label } = kinds[run.kind];
  const short = run.kind === 'library' ? 'libraries' : label;
  const fits = bar > 15 && wide > 6.4 * short.length + 8 && !['reserved', 'shared'].includes(run.kind);
  return [
    rect(from, y, wide, bar, { fill }, describe(name, run)),
    ...(fits
      ? [text((from + to) / 2, y + bar / 2 + 4, short, { class: 'inside', 'text-anchor': 'middle' })]
      : []),
  ];
}

/**
 * The ranges that are free in all processes, hatched behind the rows, with their size if there is space for
 * it.
 */
function drawCuts(scale: CutScale, first: number, bottom: number, { chosen, holes }: Comparison): string[] {
  const hole = chosen && holes.find(({ start, end }) => start <= chosen.start && end >= chosen.end);
  const elements = scale.pieces
    .filter(({ kind, width }) => kind === 'free' && width > 2)
    .flatMap((piece) => {
      const middle = piece.x + piece.width / 2;
      const size = bytes(piece.end - piece.start);
      return [
        rect(
          piece.x,
          first - 8,
          piece.width,
          bottom - first + 8,
          { fill: 'url(#cut)' },
          `free in all: ${sayRange(piece)}`,
        ),
        ...(!piece.isWide
          ? []
          : piece.width > 40
            ? [text(middle, first - 14, size, { class: 'hole', 'text-anchor': 'middle' })]
            : [uprightText(middle + 3.5, first - 11, size, { class: 'free' })]),
      ];
    });
  if (hole === undefined) return elements;
  const [from, to] = [scale.at(hole.start), scale.at(hole.end)];
  return [
    ...elements,
    element('path', {
      d: `M${from.toFixed(1)} ${first - 34}v-6H${to.toFixed(1)}v6`,
      fill: 'none',
      stroke: darkGreen,
      'stroke-width': 1.5,
    }),
    text((from + to) / 2, first - 46, `the hole: ${bytes(hole.end - hole.start)}`, {
      class: 'hole',
      'text-anchor': 'middle',
    }),
  ];
}

function drawChosenColumn(chosen: Chosen, scale: CutScale, first: number, bottom: number): string[] {
  const [from, to] = [scale.at(chosen.start), scale.at(chosen.end)];
  return [
    rect(from - 2, first - 8, to - from + 4, bottom - first + 10, {
      fill: chosen.how === 'adopted' ? 'none' : '#f6d5c8',
      stroke: red,
      'stroke-width': 2,
      rx: 3,
    }),
    uprightText((from + to) / 2 + 4, bottom + 8, hexOf(chosen.start), {
      class: 'place',
      'text-anchor': 'end',
    }),
  ];
}

/** The start address of each part, below the rows. */
function drawAddresses(scale: CutScale, y: number): Drawn {
  const elements: string[] = [];
  let last = -Infinity;
  const chosen = scale.pieces.find(({ kind }) => kind === 'chosen');
  scale.pieces.forEach((piece, i) => {
    const before = scale.pieces[i - 1];
    const begins =
      piece.kind === 'taken' && (before === undefined || (before.kind === 'free' && before.width > 2));
    const near = chosen !== undefined && Math.abs(piece.x - chosen.x - chosen.width / 2) < 20;
    if (!begins || near || piece.x - last < 11) return;
    last = piece.x;
    elements.push(
      line(piece.x + 0.5, y - 6, piece.x + 0.5, y - 2, { stroke: '#999' }),
      uprightText(piece.x + 4, y, hexOf(piece.start), { class: 'small', 'text-anchor': 'end' }),
    );
  });
  return { elements, bottom: y + 116 };
}
