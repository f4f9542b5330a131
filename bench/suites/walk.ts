// Walking all objects: by our views, and by decoding the same structs with koffi.

import koffi, { type TypeObject } from 'koffi';
import type { Topology, TopologyObject } from '../../src/hwloc/index.js';
import { addressOf } from '../../src/hwloc/object/fields.js';
import type { Benchmark } from '../benchmark.js';
import { garbage, nanoseconds } from './measure.js';
import { adopt, load, machines, share } from './topologies.js';

export const walk: Benchmark = {
  name: 'walk',
  weight: 1,
  about: 'ns an object to walk a whole topology when warm (wanted: 1,000 at most, a tenth of koffi at most)',
  async run({ say }) {
    const data: Walk[] = [];
    for (const pus of Object.keys(machines).map(Number) as (keyof typeof machines)[]) {
      const loaded = await load(pus);
      const file = share(loaded);
      const adopted = adopt(file);
      data.push(walked(`${pus} PUs, adopted`, adopted), walked(`${pus} PUs, loaded`, loaded));
      adopted.close();
      loaded.close();
      file.dispose();
    }
    data.forEach((each) => {
      say(show(each));
    });
    return { data };
  },
};

/** One topology, walked in several ways; ns and bytes are of an object, what is kept of a walk. */
interface Walk {
  readonly title: string;
  readonly objects: number;
  readonly decoded: number;
  readonly rows: readonly {
    readonly name: string;
    readonly ns: number;
    readonly garbage: number;
    readonly kept: number;
  }[];
}

function walked(title: string, topology: Topology): Walk {
  const count = [...topology].length;
  const { root } = topology;
  const structs = koffiWalk(root);
  const rows: [string, () => number][] = [
    ['tree: type, children', () => tree(root)],
    ['every field', () => everyField(root)],
    ['for (const object of topology)', () => iterate(topology)],
  ];
  // Several walks of each first, so that the compiler has seen them all.
  for (const [, body] of rows) for (let i = 0; i < 200_000 / count; i++) body();
  const decoded = nanoseconds(structs, 5, 10) / count;
  return {
    title,
    objects: count,
    decoded,
    rows: rows.map(([name, body]) => {
      const ns = nanoseconds(body) / count;
      const { perCall, kept } = garbage(body);
      return { name, ns, garbage: perCall / count, kept };
    }),
  };
}

function show({ title, objects, decoded, rows }: Walk): string {
  const lines = rows.map(
    ({ name, ns, garbage, kept }) =>
      `  ${name}: ${(decoded / ns).toFixed(0)} times as fast, ${ns.toFixed(1)} ns; ` +
      `garbage ${garbage.toFixed(3)} B an object, kept ${kept.toFixed(1)} B a walk`,
  );
  return [
    `${title} (${objects} objects); koffi.decode of each struct: ${decoded.toFixed(0)} ns`,
    ...lines,
  ].join('\n');
}

function tree(object: TopologyObject): number {
  let sum = object.type.length;
  sum += below(object.children, tree);
  sum += below(object.memoryChildren, tree);
  sum += below(object.ioChildren, tree);
  sum += below(object.miscChildren, tree);
  return sum;
}

/** By index: iterating over an array makes an iterator, which is garbage of the caller's. */
function below(list: readonly TopologyObject[], visit: (object: TopologyObject) => number): number {
  let sum = 0;
  let i = 0;
  for (let child = list[0]; child !== undefined; child = list[++i]) sum += visit(child);
  return sum;
}

/** All fields of struct hwloc_obj, and the attributes. */
function everyField(object: TopologyObject): number {
  let sum =
    object.type.length +
    object.typeNumber +
    (object.osIndex ?? 0) +
    (object.subtype?.length ?? 0) +
    (object.name?.length ?? 0) +
    object.totalMemory +
    (object.attributes === undefined ? 0 : 1) +
    object.depth +
    object.logicalIndex +
    object.siblingRank +
    object.arity +
    object.memoryArity +
    object.ioArity +
    object.miscArity +
    (object.symmetricSubtree ? 1 : 0) +
    (object.cpuset === undefined ? 0 : 1) +
    (object.completeCpuset === undefined ? 0 : 1) +
    (object.nodeset === undefined ? 0 : 1) +
    (object.completeNodeset === undefined ? 0 : 1) +
    object.infos.length +
    object.gpIndex +
    (object.parent === undefined ? 0 : 1) +
    (object.nextCousin === undefined ? 0 : 1) +
    (object.previousCousin === undefined ? 0 : 1) +
    (object.nextSibling === undefined ? 0 : 1) +
    (object.previousSibling === undefined ? 0 : 1) +
    (object.firstChild === undefined ? 0 : 1) +
    (object.lastChild === undefined ? 0 : 1);
  sum += below(object.children, everyField);
  sum += below(object.memoryChildren, everyField);
  sum += below(object.ioChildren, everyField);
  sum += below(object.miscChildren, everyField);
  return sum;
}

function iterate(topology: Topology): number {
  let sum = 0;
  for (const object of topology) sum += object.logicalIndex;
  return sum;
}

/** What of a decoded struct the walk needs. */
interface Decoded {
  readonly logical_index: number;
  readonly first_child: bigint | null;
  readonly memory_first_child: bigint | null;
  readonly io_first_child: bigint | null;
  readonly misc_first_child: bigint | null;
  readonly next_sibling: bigint | null;
}

let objectType: TypeObject | undefined;

/** Decodes the struct of each object and goes on to its children, as a binding that decodes structs has to. */
function koffiWalk(root: TopologyObject): () => number {
  const type = (objectType ??= koffi.struct('hwloc_obj', {
    type: 'int',
    subtype: 'const char *',
    os_index: 'unsigned int',
    name: 'const char *',
    total_memory: 'uint64_t',
    attr: 'void *',
    depth: 'int',
    logical_index: 'unsigned int',
    next_cousin: 'void *',
    prev_cousin: 'void *',
    parent: 'void *',
    sibling_rank: 'unsigned int',
    next_sibling: 'void *',
    prev_sibling: 'void *',
    arity: 'unsigned int',
    children: 'void *',
    first_child: 'void *',
    last_child: 'void *',
    symmetric_subtree: 'int',
    memory_arity: 'unsigned int',
    memory_first_child: 'void *',
    io_arity: 'unsigned int',
    io_first_child: 'void *',
    misc_arity: 'unsigned int',
    misc_first_child: 'void *',
    cpuset: 'void *',
    complete_cpuset: 'void *',
    nodeset: 'void *',
    complete_nodeset: 'void *',
    infos: 'void *',
    infos_count: 'unsigned int',
    userdata: 'void *',
    gp_index: 'uint64_t',
  }));
  const visit = (address: bigint | null): number => {
    if (address === null) return 0;
    const object = koffi.decode(address, type) as Decoded;
    let sum = object.logical_index;
    sum += visit(object.first_child) + visit(object.memory_first_child);
    sum += visit(object.io_first_child) + visit(object.misc_first_child);
    return sum + visit(object.next_sibling);
  };
  const start = BigInt(addressOf(root));
  return () => visit(start);
}
