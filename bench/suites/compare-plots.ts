// Plots of compare: cost against ranks, and against the size of the machine.

import { contender, contenders } from '../jobs/contenders.js';
import type { Measured } from '../jobs/measured.js';
import type { Plot, Point, Series } from '../support/plot.js';

/** One input with so many ranks. */
export interface CaseResult {
  readonly input: string;
  readonly kind: string;
  readonly pus: number;
  readonly objects: number;
  readonly bytes: number;
  readonly ranks: number;
  /** CPU of a rank that only imports, in ms. */
  readonly imported: number | undefined;
  readonly measured: readonly Measured[];
}

/** A cost that is drawn. */
interface Cost {
  readonly name: string;
  readonly title: string;
  readonly y: string;
  readonly unit: Plot['unit'];
  of(measured: Measured): Omit<Point, 'x'> | undefined;
}

const costs: readonly Cost[] = [
  {
    name: 'tail',
    title: 'From the last rank’s call until the last rank has its topology',
    y: 'time to topology',
    unit: 'ms',
    of: ({ tail }) => ({ y: tail.median, low: tail.low, high: tail.high }),
  },
  {
    name: 'cpu',
    title: 'CPU time of a rank’s join',
    y: 'CPU per rank',
    unit: 'ms',
    of: ({ cpuMember: cpu }) => cpu && { y: cpu.median, low: cpu.low, high: cpu.high },
  },
  {
    name: 'memory',
    title: 'Memory of a rank’s topology, after a walk over all objects',
    y: 'Pss per rank',
    unit: 'bytes',
    of: ({ memory: kept }) => kept && { y: kept.mappingPss > 0 ? kept.mappingPss : kept.grown },
  },
];

/** At least so many points make a line. */
const fewest = 3;

/** A plot for each input that was measured with several rank counts, and for each rank count with several machines. */
export function plotsOf(results: readonly CaseResult[]): Plot[] {
  return costs.flatMap((cost) => [
    ...groups(results, ({ input }) => input).map(([input, cases]) => ({
      ...frame(cost, `${cost.name}-by-ranks-${fileName(input)}`, `${input}, ${cases[0]?.pus ?? 0} PUs`),
      x: 'ranks',
      series: seriesOf(cost, cases, ({ ranks }) => ranks),
    })),
    ...groups(
      results.filter(({ kind }) => kind === 'synthetic' || kind === 'xml'),
      ({ ranks }) => String(ranks),
    ).map(([ranks, cases]) => ({
      ...frame(cost, `${cost.name}-by-size-${ranks}`, `${ranks} ranks`),
      x: 'PUs of the machine',
      series: seriesOf(cost, cases, ({ pus }) => pus),
    })),
  ]);
}

function frame({ title, y, unit }: Cost, name: string, what: string): Omit<Plot, 'x' | 'series'> {
  return { name, title: `${title} (${what})`, y, unit };
}

function groups(
  results: readonly CaseResult[],
  by: (result: CaseResult) => string,
): (readonly [string, readonly CaseResult[]])[] {
  const keys = [...new Set(results.map(by))];
  return keys
    .map((key) => [key, results.filter((result) => by(result) === key)] as const)
    .filter(([, cases]) => cases.length >= fewest);
}

function seriesOf(cost: Cost, cases: readonly CaseResult[], x: (result: CaseResult) => number): Series[] {
  return contenders
    .filter(({ name }) => name !== 'import')
    .map(({ name }) => ({
      label: contender(name).about,
      isOurs: name === 'share',
      points: cases
        .flatMap((result): Point[] => {
          const measured = result.measured.find((each) => each.contender === name);
          const point = measured && cost.of(measured);
          return point === undefined || !(point.y > 0) ? [] : [{ x: x(result), ...point }];
        })
        .sort((a, b) => a.x - b.x),
    }))
    .filter(({ points }) => points.length > 0);
}

function fileName(text: string): string {
  return text.replace(/[^\w.-]+/g, '-');
}
