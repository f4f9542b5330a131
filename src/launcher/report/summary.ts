// The summary of --verbose at the end of a job: a line for each node, and one for all.

import type { NodeReport, Report, StepReport } from './document.js';

/** With more nodes, those with faults come first, and the rest is only counted. */
const mostNodes = 16;

/** The lines. */
export function summaryOf({ steps, totals, notes }: Report): string[] {
  const nodes = steps.flatMap((step) => step.nodes.map((node) => ({ step, node })));
  const shown =
    nodes.length <= mostNodes
      ? nodes
      : nodes.toSorted((a, b) => Number(isWell(a.node)) - Number(isWell(b.node))).slice(0, mostNodes);
  const hidden = nodes.length - shown.length;
  return [
    ...shown.map(({ step, node }) => nodeLine(node, steps.length === 1 ? undefined : step)),
    ...(hidden === 0 ? [] : [`${hidden} more nodes`]),
    ...(nodes.length === 0 ? [] : [totalLine(totals)]),
    ...notes,
  ];
}

function isWell({ ranks }: NodeReport): boolean {
  return ranks.every(({ how }) => how === 'adopted');
}

function nodeLine(report: NodeReport, step: StepReport | undefined): string {
  const { node, localSize, address, bytes, kept, ranks } = report;
  const adopted = ranks.filter(({ how }) => how === 'adopted').length;
  const place = address === null ? 'each its own' : `at ${address}, ${bytes ?? 0} bytes`;
  const phasesOfLeader = ranks.find(({ leader }) => leader === true)?.phases ?? {};
  const phases = Object.entries(phasesOfLeader).map(([name, ms]) => `${name} ${ms.toFixed(1)} ms`);
  const where = step === undefined ? `node ${node}` : `step ${step.step}, node ${node}`;
  return [
    `${where}: ${adopted}${localSize === null ? '' : ` of ${localSize}`} ranks: one topology ${place}${kept === null ? '' : `, kept for ${kept.seconds.toFixed(0)} s`}`,
    ...(phases.length === 0 ? [] : [phases.join(', ')]),
  ].join('; ');
}

function totalLine(totals: Report['totals']): string {
  const { nodes, ranks, discoveries, discoveriesSaved, bytesSaved } = totals;
  const ways = (['adopted', 'xml', 'discovered', 'failed', 'missing'] as const).filter(
    (how) => totals[how] > 0,
  );
  return (
    `${counted(ranks, 'rank')} on ${counted(nodes, 'node')}: ${ways.map((how) => `${totals[how]} ${how}`).join(', ')}; ` +
    `${counted(discoveries, 'discovery', 'discoveries')} instead of ${discoveries + discoveriesSaved}, ` +
    `${sizeText(bytesSaved)} of memory saved`
  );
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `36 KiB`, `1.8 MiB` */
function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const [value, unit] =
    bytes < 1024 ** 2
      ? [bytes / 1024, 'KiB']
      : bytes < 1024 ** 3
        ? [bytes / 1024 ** 2, 'MiB']
        : [bytes / 1024 ** 3, 'GiB'];
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
}
