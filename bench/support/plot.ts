// Plots as SVG, drawn by Vega-Lite: both axes logarithmic, quartiles as whiskers.

import { type View, parse, View as VegaView } from 'vega';
import { type TopLevelSpec, compile } from 'vega-lite';

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
  /** Drawn heavier, in black. */
  readonly isOurs?: boolean;
}

export interface Plot {
  /** The name of its file, without the ending. */
  readonly name: string;
  readonly title: string;
  readonly x: string;
  readonly y: string;
  /** What y is measured in: times are in ms. */
  readonly unit: 'ms' | 'bytes';
  readonly series: readonly Series[];
}

/** Okabe and Ito's colours, which the colour-blind can tell apart; black is ours. */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#b8860b', '#8c6bb1'];

/** How values of y are written at its axis, as expressions of Vega. */
const labels: Readonly<Record<Plot['unit'], string>> = {
  ms:
    "datum.value < 1 ? format(datum.value * 1000, '~r') + ' µs' : " +
    "datum.value < 1000 ? format(datum.value, '~r') + ' ms' : format(datum.value / 1000, '~r') + ' s'",
  bytes:
    "datum.value < 1024 ? format(datum.value, '~r') + ' B' : " +
    "datum.value < 1048576 ? format(datum.value / 1024, '.3~r') + ' KiB' : format(datum.value / 1048576, '.3~r') + ' MiB'",
};

/**
 * The whole plot as an SVG document.
 *
 * @param run  What was run, when and where: below the title.
 * @throws RangeError  of values that have no logarithm.
 */
export async function svg(plot: Plot, run: string): Promise<string> {
  const view: View = new VegaView(parse(compile(specOf(plot, run)).spec), { renderer: 'none' });
  return `${await view.toSVG()}\n`;
}

function specOf({ title, x, y, unit, series }: Plot, run: string): TopLevelSpec {
  const values = series.flatMap(({ label, points }) =>
    points.map((point) => ({
      label,
      x: point.x,
      y: point.y,
      low: point.low ?? point.y,
      high: point.high ?? point.y,
    })),
  );
  if (!values.every(({ x: across, low, high }) => across > 0 && low > 0 && Number.isFinite(high))) {
    throw new RangeError('a logarithmic axis needs values above 0');
  }
  const heights = ticksAround(values.flatMap(({ low, high }) => [low, high]));
  const names = series.map(({ label }) => label);
  const range = series.map(({ isOurs }, index) => (isOurs === true ? 'black' : colourOf(series, index)));
  // The x values themselves are what was measured: they are its ticks.
  const ticks = [...new Set(values.map((value) => value.x))].sort((a, b) => a - b);
  const across = { field: 'x', type: 'quantitative', scale: { type: 'log', base: 2, nice: false } } as const;
  const domain = [heights[0] ?? 1, heights.at(-1) ?? 1];
  const up = { type: 'quantitative' as const, scale: { type: 'log' as const, domain, nice: false } };
  const colour = { field: 'label', type: 'nominal', scale: { domain: names, range }, title: null } as const;
  const ours = {
    test: { field: 'label', oneOf: series.filter(({ isOurs }) => isOurs).map((each) => each.label) },
  };
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    background: 'white',
    padding: 12,
    width: 720,
    height: 340,
    title: { text: title, subtitle: run, subtitlePadding: 4, anchor: 'start', offset: 14 },
    data: { values },
    config: { font: 'DejaVu Sans, Helvetica, Arial, sans-serif', axis: { gridColor: '#e5e5e5' } },
    layer: [
      {
        mark: 'line',
        encoding: {
          x: { ...across, title: x, axis: { values: ticks, format: ',' } },
          y: { ...up, field: 'y', title: y, axis: { labelExpr: labels[unit], values: heights } },
          color: { ...colour, legend: { orient: 'bottom', columns: 1, labelLimit: 0, symbolType: 'stroke' } },
          strokeWidth: { condition: { ...ours, value: 3 }, value: 1.7 },
        },
      },
      {
        mark: 'rule',
        encoding: { x: across, y: { ...up, field: 'low' }, y2: { field: 'high' }, color: colour },
      },
      {
        mark: { type: 'point', filled: true, opacity: 1, size: 36 },
        encoding: { x: across, y: { ...up, field: 'y' }, color: colour },
      },
    ],
  };
}

/** The ticks of a logarithmic axis, 1, 2 and 5 of each power of ten, from the last one below some values to the first one above. */
function ticksAround(values: readonly number[]): number[] {
  const powers = Array.from({ length: 30 }, (_, i) => i - 10);
  const ticks = powers.flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)));
  const first = ticks.findLastIndex((tick) => tick <= Math.min(...values));
  const last = ticks.findIndex((tick) => tick >= Math.max(...values));
  return ticks.slice(first, last + 1);
}

function colourOf(series: readonly Series[], index: number): string {
  const others = series.slice(0, index).filter(({ isOurs }) => isOurs !== true).length;
  return colours[others % colours.length] ?? 'grey';
}
