// Medians with their spread, ratios, and straight lines through points.

/** What many runs gave: the median, the quartiles as spread, and the extremes. */
export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

/** @throws RangeError  of nothing there is no median. */
export function summarise(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) => quantile(sorted, part);
  return { median: at(0.5), low: at(0.25), high: at(0.75), min: at(0), max: at(1), runs: sorted.length };
}

export function median(values: readonly number[]): number {
  return summarise(values).median;
}

/** Between two values, by how near each of them is. */
function quantile(sorted: readonly number[], part: number): number {
  const place = part * (sorted.length - 1);
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) throw new RangeError('no values');
  return below + (above - below) * (place - Math.floor(place));
}

/** A straight line. */
export interface Line {
  readonly slope: number;
  readonly intercept: number;
}

/** The line of least squares. @throws RangeError  unless there are two different x. */
export function fit(points: readonly (readonly [x: number, y: number])[]): Line {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const spread = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  if (!(spread > 0)) throw new RangeError('a line needs two points');
  const slope = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / spread;
  return { slope, intercept: y - slope * x };
}
