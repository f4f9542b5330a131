// Plots as SVG: both axes logarithmic, each line with its name at its end, quartiles as whiskers.

/** A point with its spread. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly low?: number;
  readonly high?: number;
}

export interface Series {
  readonly label: string;
  readonly points: readonly Point[];
  /** Drawn heavier, in front. */
  readonly isOurs?: boolean;
}

export interface Plot {
  /** The name of its file, without the ending. */
  readonly name: string;
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** How values of y are written at its axis. */
  readonly format: (value: number) => string;
  readonly series: readonly Series[];
}

const [width, height] = [900, 540];
const frame = { left: 80, right: width - 290, top: 56, bottom: height - 58 };
const lineHeight = 17;

/** Okabe and Ito's colours, which the colour-blind can tell apart; black is ours. */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#b8860b', '#8c6bb1'];

/** A logarithmic axis: where a value lies, and which values to write. */
export interface Axis {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

/**
 * @param from, to  Where its ends lie.
 * @throws RangeError  of values that have no logarithm.
 */
export function axis(values: readonly number[], from: number, to: number): Axis {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (!(low > 0) || !Number.isFinite(high)) throw new RangeError('a logarithmic axis needs values above 0');
  // A little room at both ends; a single value lies in the middle.
  const room = Math.max((Math.log10(high) - Math.log10(low)) * 0.04, 0.05);
  const [start, end] = [Math.log10(low) - room, Math.log10(high) + room];
  const place = (value: number) => from + ((Math.log10(value) - start) / (end - start)) * (to - from);
  return { place, ticks: ticksBetween(10 ** start, 10 ** end) };
}

/** Powers of ten; with 2 and 5 of each, or all digits, where there are too few. */
function ticksBetween(low: number, high: number): number[] {
  for (const digits of [[1], [1, 2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9]]) {
    const ticks: number[] = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
      for (const digit of digits) {
        const value = Number((digit * 10 ** power).toPrecision(1));
        if (value >= low && value <= high) ticks.push(value);
      }
    }
    if (ticks.length >= 3) return ticks;
  }
  return [low, high];
}

/** Moves labels apart, up and down as little as it takes, so that none lies over another. */
export function spread(wanted: readonly number[], gap: number, low: number, high: number): number[] {
  const order = wanted.map((_, index) => index).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
  const places = [...wanted];
  // Downwards each keeps off the one above it; then, from the bottom up, those come back that went beyond it.
  let next = low;
  for (const index of order) {
    const at = Math.max(places[index] ?? 0, next);
    places[index] = at;
    next = at + gap;
  }
  next = high;
  for (const index of order.reverse()) {
    const at = Math.min(places[index] ?? 0, next);
    places[index] = at;
    next = at - gap;
  }
  return places;
}

/** The whole plot as an SVG document. */
export function svg({ title, x, y, format, series }: Plot): string {
  const points = series.flatMap((each) => each.points);
  // The x values themselves are what was measured: they are its ticks.
  const across = axis(
    points.map((point) => point.x),
    frame.left,
    frame.right,
  );
  const up = axis(
    points.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y]),
    frame.bottom,
    frame.top,
  );
  const marks = [...new Set(points.map((point) => point.x))].sort((a, b) => a - b);
  const ends = series.map((each) => up.place(last(each.points).y));
  const labels = spread(ends, lineHeight, frame.top + 4, frame.bottom - 4);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="DejaVu Sans, Helvetica, Arial, sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text(frame.left, 28, title, 'font-size="16" font-weight="bold"'),
    ...up.ticks.map((value) => horizontal(up.place(value), short(format(value)))),
    ...marks.map((value) => vertical(across.place(value), value.toLocaleString('en-US'))),
    text((frame.left + frame.right) / 2, height - 14, x, 'text-anchor="middle"'),
    text(frame.left - 64, frame.top - 12, y),
    ...series.map((each, index) =>
      line(each, colourOf(series, index), across, up, [ends[index] ?? 0, labels[index] ?? 0]),
    ),
    '</svg>',
    '',
  ].join('\n');
}

function colourOf(series: readonly Series[], index: number): string {
  if (series[index]?.isOurs === true) return 'black';
  const others = series.slice(0, index).filter((each) => each.isOurs !== true).length;
  return colours[others % colours.length] ?? 'grey';
}

function line(
  series: Series,
  colour: string,
  across: Axis,
  up: Axis,
  [end, label]: readonly [number, number],
): string {
  const weight = series.isOurs === true ? 2.6 : 1.6;
  const at = ({ x, y }: Point) => [across.place(x).toFixed(1), up.place(y).toFixed(1)] as const;
  const path = series.points.map((point) => at(point).join(',')).join(' ');
  const dots = series.points.map((point) => {
    const [x, y] = at(point);
    const [low, high] = [up.place(point.low ?? point.y), up.place(point.high ?? point.y)];
    return (
      `<line x1="${x}" x2="${x}" y1="${low.toFixed(1)}" y2="${high.toFixed(1)}" stroke="${colour}" stroke-width="1"/>` +
      `<circle cx="${x}" cy="${y}" r="${weight + 1}" fill="${colour}"/>`
    );
  });
  const from = across.place(last(series.points).x);
  const to = frame.right + 18;
  return [
    `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="${weight}"/>`,
    ...dots,
    `<polyline points="${(from + 6).toFixed(1)},${end.toFixed(1)} ${to},${label.toFixed(1)}" fill="none" stroke="${colour}" stroke-width="0.7" stroke-dasharray="2 2"/>`,
    text(
      to + 4,
      label + 4.5,
      series.label,
      `fill="${colour}"${series.isOurs === true ? ' font-weight="bold"' : ''}`,
    ),
  ].join('\n');
}

function horizontal(y: number, label: string): string {
  return (
    `<line x1="${frame.left}" x2="${frame.right}" y1="${y.toFixed(1)}" y2="${y.toFixed(1)}" stroke="#ddd"/>` +
    text(frame.left - 8, y + 4.5, label, 'text-anchor="end"')
  );
}

/** Without the zeros behind the point that a tick need not have. */
function short(label: string): string {
  return label
    .replace(/\.?0+(?= )/, (zeros) => (zeros.startsWith('.') ? '' : zeros))
    .replace(/(\.\d*?)0+(?= )/, '$1');
}

function vertical(x: number, label: string): string {
  return (
    `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${frame.top}" y2="${frame.bottom}" stroke="#eee"/>` +
    text(x, frame.bottom + 20, label, 'text-anchor="middle"')
  );
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replace(
    /[&<>]/g,
    (found) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[found] ?? '',
  );
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped}</text>`;
}

function last(points: readonly Point[]): Point {
  const point = points.at(-1);
  if (point === undefined) throw new RangeError('a line needs points');
  return point;
}
