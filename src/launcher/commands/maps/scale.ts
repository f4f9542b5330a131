// A scale for a sparse address space: an occupied range gets space by the logarithm of its size. A range that
// is empty in all processes gets little space, and a label with its size.

import { type Range, isWithin, sizeOf } from '../../../maps/index.js';
import type { Comparison } from './spaces.js';

/** All addresses of a user: 2^47 bytes. */
export const whole = 2 ** 47;

/** A range of addresses, from one boundary to the next, and where it is drawn. */
export interface Piece extends Range {
  /** `taken`: in at least one process. `free`: in all processes. */
  readonly kind: 'taken' | 'free' | 'chosen';
  readonly x: number;
  readonly width: number;
  /** Whether it has space for a label with the size that was cut out. */
  readonly isWide: boolean;
}

export interface CutScale {
  readonly pieces: readonly Piece[];
  /** Where an address is drawn. */
  at(address: number): number;
}

/** Space for a vertical label, and for a horizontal one. */
const uprightLabel = 13;
const lyingLabel = 84;

/** The width of the chosen range, which would otherwise be too small to see. */
const chosenWidth = 22;

/** Free ranges smaller than this get no label: they are of little use. */
const worthLabelling = 2 ** 30;

/** The largest share of the width for labels of cut-out ranges. */
const mostForLabels = 0.45;

/** @param left, width  Its position in the picture. */
export function cutScale({ spaces, chosen, holes }: Comparison, left: number, width: number): CutScale {
  const taken = spaces.flatMap(({ runs }) => runs.filter(({ kind }) => kind !== 'topology'));
  // The hole that contains the chosen range is the main subject of the picture.
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

/**
 * All ranges from the lowest to the highest address that is occupied or in the hole, cut at each boundary.
 */
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

/** A page is as wide as a thin line. Each doubling adds half of that. */
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
