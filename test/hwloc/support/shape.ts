// What follows from the nesting of lstopo's XML: the tree, the levels, total memory and symmetry.

import type { Element } from './lstopo.js';

/** An <object>, with its children by kind. */
interface Node {
  readonly type: string;
  readonly gpIndex: number;
  readonly localMemory: number;
  /** Normal, memory, I/O, Misc. */
  readonly lists: readonly (readonly Node[])[];
}

export interface Level {
  readonly depth: number;
  readonly type: string;
  readonly gpIndexes: readonly number[];
}

export interface Shape {
  /** `[gpIndex, normal, memory, io, misc]`, recursively. */
  readonly tree: unknown;
  readonly levels: readonly Level[];
  readonly totalMemory: ReadonlyMap<number, number>;
  readonly symmetric: ReadonlyMap<number, boolean>;
}

const specialDepths = new Map([
  ['NUMANode', -3],
  ['Bridge', -4],
  ['PCIDev', -5],
  ['OSDev', -6],
  ['Misc', -7],
  ['MemCache', -8],
]);

const kinds: readonly RegExp[] = [
  /^(?!NUMANode|MemCache|Bridge|PCIDev|OSDev|Misc)/,
  /^(NUMANode|MemCache)$/,
  /^(Bridge|PCIDev|OSDev)$/,
  /^Misc$/,
];

export function shapeOf(root: Element): Shape {
  const node = nodeOf(root);
  const totalMemory = new Map<number, number>();
  const symmetric = new Map<number, boolean>();
  memoryBelow(node, totalMemory);
  const levels = levelsOf(node);
  const depths = new Map(
    levels.flatMap(({ depth, gpIndexes }) => gpIndexes.map((gp) => [gp, depth] as const)),
  );
  formOf(node, depths, symmetric);
  return { tree: treeOf(node), levels, totalMemory, symmetric };
}

function nodeOf(element: Element): Node {
  const children = element.all('object').map(nodeOf);
  return {
    type: element.attributes.type ?? '',
    gpIndex: Number(element.attributes.gp_index),
    localMemory: Number(element.attributes.local_memory ?? 0),
    lists: kinds.map((kind) => children.filter(({ type }) => kind.test(type))),
  };
}

function treeOf(node: Node): unknown {
  return [node.gpIndex, ...node.lists.map((list) => list.map(treeOf))];
}

function memoryBelow(node: Node, total: Map<number, number>): number {
  const bytes = node.lists.flat().reduce((sum, child) => sum + memoryBelow(child, total), node.localMemory);
  total.set(node.gpIndex, bytes);
  return bytes;
}

/**
 * As hwloc does it: from the top down, the next level is of all objects of the type that contains the others; objects
 * of other types wait for their turn. Objects of a group's level are those that stand at the same place.
 */
function levelsOf(root: Node): readonly Level[] {
  const levels: Level[] = [];
  let row: readonly Node[] = [root];
  while (row.length > 0) {
    const type = topType(row);
    const taken = row.filter((node) => node.type === type);
    levels.push({ depth: levels.length, type, gpIndexes: taken.map(({ gpIndex }) => gpIndex) });
    row = row.flatMap((node) => (node.type === type ? (node.lists[0] ?? []) : [node]));
  }
  const all = [...everything(root)];
  for (const [type, depth] of specialDepths) {
    const gpIndexes = all.filter((node) => node.type === type).map(({ gpIndex }) => gpIndex);
    if (gpIndexes.length > 0) levels.push({ depth, type, gpIndexes });
  }
  return levels;
}

/** A type of the row of which no object is below an object of another type of the row. */
function topType(row: readonly Node[]): string {
  const types = [...new Set(row.map(({ type }) => type))];
  const below = (node: Node): string[] =>
    (node.lists[0] ?? []).flatMap((child) => [child.type, ...below(child)]);
  const covered = new Set(row.flatMap((node) => below(node).filter((type) => type !== node.type)));
  return types.find((type) => !covered.has(type)) ?? types[0] ?? '';
}

function* everything(node: Node): Generator<Node, void, undefined> {
  yield node;
  for (const list of node.lists) for (const child of list) yield* everything(child);
}

/** A text that is the same for equal subtrees of normal objects; notes which ones are symmetric on the way. */
function formOf(node: Node, depths: ReadonlyMap<number, number>, symmetric: Map<number, boolean>): string {
  const [normal = [], ...others] = node.lists;
  const forms = normal.map((child) => formOf(child, depths, symmetric));
  const even = normal.every(({ gpIndex }) => symmetric.get(gpIndex) === true) && new Set(forms).size <= 1;
  symmetric.set(node.gpIndex, even);
  // hwloc looks at objects of the main tree only.
  for (const child of others.flat()) for (const each of everything(child)) symmetric.set(each.gpIndex, false);
  return `${depths.get(node.gpIndex) ?? ''}(${forms.join(',')})`;
}
