// Address spaces as a picture, on two scales: the whole in true proportion, and the same with the empty parts cut out.

import { type Range, SCATTER_WINDOWS } from '../../../maps/index.js';
import { bytes } from '../words.js';
import { element, line, rect, text, uprightText } from './elements.js';
import { type KindName, kindNames, kinds } from './kinds.js';
import { type CutScale, cutScale } from './scale.js';
import type { Chosen, Comparison, Run } from './spaces.js';
import { sayChosen } from './text.js';

const width = 1600;
const left = 130;
const right = 1524;
/** The whole: 2^47 bytes. */
const whole = 2 ** 47;

const red = '#c1440e';
const green = '#cdebc5';
const darkGreen = '#2f7d32';

const style = `
  text { font-family: "DejaVu Sans", "Helvetica Neue", Arial, sans-serif; font-size: 13px; fill: #222 }
  .title { font-size: 25px; font-weight: bold }
  .subtitle { font-size: 16px; fill: #444 }
  .panel { font-size: 17px; font-weight: bold }
  .note { font-size: 12px; fill: #555 }
  .small { font-size: 9.5px; fill: #555 }
  .free { font-size: 9.5px; fill: ${darkGreen} }
  .hole { font-size: 13px; font-weight: bold; fill: ${darkGreen} }
  .chosen { font-size: 14px; font-weight: bold; fill: ${red} }
  .place { font-size: 11px; font-weight: bold; fill: ${red} }
  .inside { font-size: 11px; fill: #fff }
`;

/** @param title  What the processes are: `job n017-…`; undefined for no more than their number. */
export function drawComparison(comparison: Comparison, title: string | undefined): string {
  const overview = drawOverview(comparison, 104);
  const detail = drawDetail(comparison, overview.bottom + 62);
  const legend = drawLegend(comparison, detail.bottom + 40);
  const height = legend.bottom + 24;
  const { spaces, chosen, whyNot, policy } = comparison;
  const said = chosen === undefined ? (whyNot ?? '') : sayChosen(chosen, spaces.length, policy, hexOf);
  const body = [
    element('style', {}, style),
    element('defs', {}, cutPattern),
    rect(0, 0, width, height, { fill: '#fff' }),
    text(
      30,
      44,
      `Address spaces of ${title ?? `${spaces.length} process${spaces.length === 1 ? '' : 'es'}`}`,
      { class: 'title' },
    ),
    text(30, 72, said, { class: 'subtitle' }),
    ...[overview, detail, legend].flatMap(({ elements }) => elements),
  ];
  const box = { xmlns: 'http://www.w3.org/2000/svg', width, height, viewBox: `0 0 ${width} ${height}` };
  return `${element('svg', box, `\n${body.join('\n')}\n`)}\n`;
}

/** A part of the picture, and where it ends. */
interface Drawn {
  readonly elements: readonly string[];
  readonly bottom: number;
}

/** Hatching: what was cut out here is empty. */
const cutPattern = element(
  'pattern',
  { id: 'cut', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
  rect(0, 0, 6, 6, { fill: '#eef8ea' }) + line(0, 0, 0, 6, { stroke: '#cfe6c6', 'stroke-width': 2 }),
);

function drawOverview(comparison: Comparison, top: number): Drawn {
  const { spaces, holes, chosen } = comparison;
  const at = (address: number) => left + (address / whole) * (right - left);
  const first = top + 76;
  const step = clamp(190 / spaces.length, 2.5, 24);
  const bar = step > 8 ? step - 4 : step * 0.8;
  const freeTop = first + spaces.length * step + 6;
  const bottom = freeTop + 22;

  const pinned = chosen === undefined ? -1 : at(chosen.start);
  const bandLabel = (words: string, from: number, to: number, y: number) =>
    // Beside the pin.
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
        // A pixel of what is taken must be seen between two holes.
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

/** The chosen address: a line through all rows, and what it is on top of it. */
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

/** The parts of the address space that have a meaning, and what is in them here. */
const zones: readonly (Range & { readonly label: string; readonly kinds: readonly KindName[] })[] = [
  { start: 0, end: 2 ** 32, label: 'program and heap', kinds: ['program', 'heap'] },
  { start: 2 ** 32, end: 0x4000_0000_0000, label: 'V8 scatters its own at random', kinds: ['v8'] },
  {
    start: 0x5400_0000_0000,
    end: 0x6000_0000_0000,
    label: 'programs and their heaps',
    kinds: ['program', 'heap'],
  },
  {
    start: 0x7000_0000_0000,
    end: whole,
    label: 'libraries, threads, stacks',
    kinds: ['library', 'anonymous', 'stack', 'file'],
  },
];

function drawZones({ spaces }: Comparison, at: (address: number) => number, y: number): Drawn {
  const elements = zones.flatMap((zone) => {
    const runs = spaces
      .flatMap((space) => space.runs)
      .filter((run) => zone.kinds.includes(run.kind) && run.start >= zone.start && run.end <= zone.end);
    if (runs.length === 0) return [];
    const from = at(Math.min(...runs.map(({ start }) => start)));
    const to = Math.max(from + 2, at(Math.max(...runs.map(({ end }) => end))));
    const middle = (from + to) / 2;
    const anchor = middle < left + 60 ? 'start' : middle > right - 90 ? 'end' : 'middle';
    const x = anchor === 'start' ? from : anchor === 'end' ? to : middle;
    const path = `M${from.toFixed(1)} ${y}v6H${to.toFixed(1)}v-6`;
    return [
      element('path', { d: path, fill: 'none', stroke: '#555' }),
      text(x, y + 21, zone.label, { class: 'note', 'text-anchor': anchor }),
    ];
  });
  return { elements, bottom: y + 24 };
}

function drawDetail(comparison: Comparison, top: number): Drawn {
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

/** What is free in all, hatched behind the rows, with its size where there is room. */
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

/** Where each part begins, below the rows. */
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

function drawLegend({ spaces, holes }: Comparison, top: number): Drawn {
  const present = kindNames.filter((kind) =>
    spaces.some(({ runs }) => runs.some((run) => run.kind === kind)),
  );
  let x = left;
  let y = top;
  const squares = present.flatMap((kind) => {
    const { label, fill } = kinds[kind];
    const wide = 30 + 7.4 * label.length;
    if (x + wide > right) [x, y] = [left, y + 24];
    const drawn = [rect(x, y - 11, 13, 13, { fill, rx: 2 }), text(x + 19, y, label)];
    x += wide;
    return drawn;
  });
  const biggest = [...holes].sort((a, b) => b.end - b.start - (a.end - a.start)).slice(0, 4);
  const list = biggest.map((hole) => `${bytes(hole.end - hole.start)} at ${hexOf(hole.start)}`).join(',   ');
  return {
    elements: [...squares, text(left, y + 30, `Free in all, biggest first:   ${list}`, { class: 'note' })],
    bottom: y + 30,
  };
}

/** The most telling last, on top of the others. */
function byImportance(runs: readonly Run[]): Run[] {
  return [...runs].sort((a, b) => kindNames.indexOf(b.kind) - kindNames.indexOf(a.kind));
}

function nameAt(name: string, middle: number): string {
  const shown = name.length > 15 ? `${name.slice(0, 14)}…` : name;
  return text(left - 10, middle + 4.5, shown, { 'text-anchor': 'end' });
}

function describe(name: string, run: Run): string {
  const files = run.paths.length === 0 ? '' : `\n${run.paths.slice(0, 12).join('\n')}`;
  return `${name}: ${kinds[run.kind].label}\n${sayRange(run)}, ${run.count} mapping${run.count === 1 ? '' : 's'}${files}`;
}

function sayRange({ start, end }: Range): string {
  return `${hexOf(start)} to ${hexOf(end)}, ${bytes(end - start)}`;
}

/** `0x4949_1440_0000`: for a person, who must tell twelve digits apart. */
function hexOf(address: number): string {
  const digits = address.toString(16);
  return `0x${digits.replace(/\B(?=(.{4})+$)/g, '_')}`;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
