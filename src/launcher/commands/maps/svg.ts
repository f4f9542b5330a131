// Draws address spaces on two scales: the whole, true to scale, and again with the empty parts cut out.

import { bytes } from '../text.js';
import { drawDetail } from './detail.js';
import { type Drawn, darkGreen, hexOf, left, red, right, width } from './drawing.js';
import { element, line, rect, text } from './elements.js';
import { kindNames, kinds } from './kinds.js';
import { drawOverview } from './overview.js';
import type { Comparison } from './spaces.js';
import { sayChosen } from './text.js';

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

/** @param title  A title for the processes: `job n017-…`; undefined: only their number is given. */
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

/** Hatching for the empty ranges that were cut out. */
const cutPattern = element(
  'pattern',
  { id: 'cut', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
  rect(0, 0, 6, 6, { fill: '#eef8ea' }) + line(0, 0, 0, 6, { stroke: '#cfe6c6', 'stroke-width': 2 }),
);

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
