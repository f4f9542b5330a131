// Formats a topology as an indented tree, as lstopo-no-graphics does.

import {
  type Topology,
  type TopologyObject,
  isCache,
  isIo,
  isNormal,
  labelOf,
} from '../../../hwloc/index.js';
import type { Colour, Paint } from '../text.js';
import { type AlikeDevices, alikeDevices } from './alike.js';
import { type Marks, joinNames } from './marks.js';

export interface TreeOptions {
  readonly paint: Paint;
  readonly marks: Marks;
  /** Whether to show each object's cpuset. */
  readonly cpuset: boolean;
  /** Whether to show each object's infos on lines of their own. */
  readonly verbose: boolean;
}

/** The lines of the tree. */
export function treeOf(topology: Topology, options: TreeOptions): string[] {
  const domains = topology.objects('PCIDev').some(({ attributes }) => attributes.domain !== 0);
  // With details, each device has its own lines.
  const alike = options.verbose ? { firsts: new Map(), others: new Set<never>() } : alikeDevices(topology);
  return linesOf(topology.root, 0, { ...options, domains, alike });
}

interface LineOptions extends TreeOptions {
  /** Whether to show the domain of PCI devices. */
  readonly domains: boolean;
  readonly alike: AlikeDevices;
}

/**
 * An object and its only child with the same CPUs share a line, as in lstopo: `L2 L#0 (1024KB) + Core L#0`.
 * Not if there is something to say about each.
 */
function linesOf(object: TopologyObject, depth: number, options: LineOptions): string[] {
  const chain = [object];
  let last = object;
  for (let next = onlyChild(last, options); next !== undefined; next = onlyChild(last, options)) {
    chain.push(next);
    last = next;
  }
  const { paint, marks } = options;
  const names = chain.flatMap((each) => marks.get(each) ?? []);
  const text = chain.map((each) => paint(wordsOf(each, options), ...coloursOf(each, options))).join(' + ');
  const mark = names.length === 0 ? '' : `  ${paint(`<- ${joinNames(names)}`, 'green', 'bold')}`;
  const indent = '  '.repeat(depth);
  const details = options.verbose
    ? last.infos.map(({ name, value }) => `${indent}    ${paint(`${name}: ${value}`, 'dim')}`)
    : [];
  const below = [...last.memoryChildren, ...last.children, ...last.ioChildren, ...last.miscChildren];
  return [
    `${indent}${text}${mark}`,
    ...details,
    ...below
      .filter((child) => child.type !== 'PCIDev' || !options.alike.others.has(child))
      .flatMap((child) => linesOf(child, depth + 1, options)),
  ];
}

function onlyChild(object: TopologyObject, { verbose, cpuset }: TreeOptions): TopologyObject | undefined {
  const [child, ...others] = object.allChildren;
  if (verbose || cpuset || child === undefined || others.length > 0) return undefined;
  return isNormal(child) && object.cpuset?.equals(child.cpuset) === true ? child : undefined;
}

function wordsOf(object: TopologyObject, { cpuset, verbose, domains, alike }: LineOptions): string {
  const index =
    verbose && object.osIndex !== undefined && !['PU', 'NUMANode', 'Machine'].includes(object.type)
      ? ` (P#${object.osIndex})`
      : '';
  const set = cpuset && object.cpuset !== undefined ? ` cpuset=${object.cpuset.toString()}` : '';
  const standsFor = object.type === 'PCIDev' ? alike.firsts.get(object) : undefined;
  return labelOf(object, domains, standsFor) + index + set;
}

function coloursOf(object: TopologyObject, { marks }: TreeOptions): Colour[] {
  for (let up: TopologyObject | undefined = object; up !== undefined; up = up.parent) {
    if (marks.has(up) && object.cpuset !== undefined) return ['green'];
  }
  if (object.type === 'Unknown') return [];
  if (object.type === 'Machine' || object.type === 'Package') return ['bold'];
  if (object.type === 'NUMANode' || object.type === 'MemCache') return ['magenta'];
  if (isCache(object.type)) return ['dim'];
  if (isIo(object.type)) return ['cyan'];
  return [];
}
