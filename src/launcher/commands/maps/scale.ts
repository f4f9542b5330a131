// A scale on which a sparse address space can be looked at: what is taken gets room by the logarithm of its size, what is empty in
// all gets little, and says how much was cut out.

import { type Range, isWithin, sizeOf } from '../../../maps/index.js';
import type { Comparison } from './spaces.js';

/** All addresses of a user: 2^47 bytes. */
export const whole = 2 ** 47;

/** A stretch of addresses, from one boundary to the next, and where it is drawn. */
export interface Piece extends Range {
  /** `taken`: in at least one process. `free`: in all. */
  readonly kind: 'taken' | 'free' | 'chosen';
  readonly x: number;
  readonly width: number;
  /** Whether it has room for a label of how much was cut out. */
  readonly isWide: boolean;
}

export interface CutScale {
  readonly pieces: readonly Piece[];
  /** Where an address is drawn. */
  at(address: number): number;
}

/** Room for a label that stands upright, and for one that lies. */
const uprightLabel = 13;
const lyingLabel = 84;

/** Of the chosen range, which would otherwise be too small to be seen. */
const chosenWidth = 22;

/** Free stretches below that are not worth a label: nobody could put much there. */
const worthLabelling = 2 ** 30;

/** The most of the width that labels of cut-out stretches may take. */
const mostForLabels = 0.45;

/** @param left, width  Where on the picture. */
export function cutScale({ spaces, chosen, holes }: Comparison, left: number, width: number): CutScale {
  const taken = spaces.flatMap(({ runs }) => runs.filter(({ kind }) => kind !== 'topology'));
  // The hole that holds the chosen range is what the picture is about.
  const hole = chosen && holes.find((each) => isWithin(chosen, each));
  const stretches = stretchesOf(taken, chosen, hole);

  const free = stretches.filter((each) => each.kind === 'free');
  const lying = free.filter(
    (each) => hole !== undefined && isWithin(each, hole) && sizeOf(each) >= worthLabelling,
  );
  const room = Math.floor((mostForLabels * width - lying.length * lyingLabel) / uprightLabel);
  const upright = new Set(
    free
      .filter((each) => !lying.includes(each) && sizeOf(each) >= worthLabelling)
      .sort((a, b) => sizeOf(b) - sizeOf(a))
      .slice(0, Math.max(0, room)),
  );

  const fixed = (each: Stretch) =>
    each.kind === 'chosen'
      ? chosenWidth
      : lying.includes(each)
        ? lyingLabel
        : upright.has(each)
          ? uprightLabel
          : 0;
  const weights = stretches.map((each) => (fixed(each) > 0 ? 0 : weightOf(each)));
  const rest = width - stretches.reduce((sum, each) => sum + fixed(each), 0);
  const unit =
    rest /
    Math.max(
      1,
      weights.reduce((sum, each) => sum + each, 0),
    );

  let x = left;
  const pieces = stretches.map((each, i): Piece => {
    const pieceWidth = fixed(each) || (weights[i] ?? 0) * unit;
    const piece = { ...each, x, width: pieceWidth, isWide: fixed(each) > 0 };
    x += pieceWidth;
    return piece;
  });
  return { pieces, at: (address) => placeOf(pieces, address) };
}

interface Stretch extends Range {
  readonly kind: Piece['kind'];
}

/** From the lowest address that is taken, or in the hole, to the highest, cut at each boundary. */
function stretchesOf(taken: readonly Range[], chosen?: Range, hole?: Range): Stretch[] {
  const all = [...taken, ...[chosen, hole].flatMap((each) => each ?? [])];
  const changes = new Map<number, number>();
  for (const { start, end } of taken) {
    changes.set(start, (changes.get(start) ?? 0) + 1);
    changes.set(end, (changes.get(end) ?? 0) - 1);
  }
  const bounds = [...new Set(all.flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);
  const stretches: Stretch[] = [];
  let covered = 0;
  bounds.forEach((start, i) => {
    covered += changes.get(start) ?? 0;
    const end = bounds[i + 1];
    if (end === undefined) return;
    const isChosen = chosen !== undefined && start >= chosen.start && end <= chosen.end;
    stretches.push({ start, end, kind: isChosen ? 'chosen' : covered > 0 ? 'taken' : 'free' });
  });
  return stretches;
}

/** A page is as wide as a thin line; each doubling adds half of that. */
function weightOf({ start, end, kind }: Stretch): number {
  return kind === 'free' ? 1.5 : 2 + 0.75 * Math.max(0, Math.log2((end - start) / 4096));
}

function placeOf(pieces: readonly Piece[], address: number): number {
  let low = 0;
  let high = pieces.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pieces[middle]?.end ?? Infinity) > address) high = middle;
    else low = middle + 1;
  }
  const piece = pieces[low];
  if (piece === undefined) return 0;
  const part = (address - piece.start) / (piece.end - piece.start);
  return piece.x + Math.min(1, Math.max(0, part)) * piece.width;
}
