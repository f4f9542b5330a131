// Matrices of distances between objects (hwloc/distances.h).

import { inspect } from 'node:util';
import { InvalidArgumentError, checkOptions, oneOf, text } from '../../check/index.js';
import { depthCheck } from '../arguments.js';
import { invoke } from '../../libc/index.js';
import { libhwloc } from '../ffi/library.js';
import type { LibhwlocFunction } from '../ffi/prototypes.js';
import { ForeignObjectError } from '../errors.js';
import { modelOf } from '../object/fields.js';
import type { TopologyObject } from '../object/kinds.js';
import { type ObjectType, typeCheck, typeNumber } from '../object/types.js';
import { type TopologyHandle, objectsOf, pointerOf } from '../topology/handle.js';

// enum hwloc_distances_kind_e.
const FROM_OS = 1 << 0;
const FROM_USER = 1 << 1;
const LATENCY = 1 << 2;
const BANDWIDTH = 1 << 3;
const HETEROGENEOUS_TYPES = 1 << 4;
const HOPS = 1 << 5;

// struct hwloc_distances_s.
const NBOBJS = 0;
const OBJS = 8;
const KIND = 16;
const VALUES = 24;

/** Which matrices to return. All conditions must hold. */
export interface DistancesFilter {
  /** Matrices between objects of a type. Not together with `depth` or `name`. */
  readonly type?: ObjectType;
  /** Matrices between objects at a depth. Not together with `type` or `name`. */
  readonly depth?: number;
  /**
   * Matrices with a name, such as `NUMALatency` or `NVLinkBandwidth`; not with hwloc 2.0. Not together with
   * `type` or `depth`.
   */
  readonly name?: string;
  readonly from?: 'os' | 'user';
  readonly means?: 'latency' | 'bandwidth';
}

/** What the values are, and where they come from. @see enum hwloc_distances_kind_e */
export interface DistancesKind {
  readonly from: 'os' | 'user' | undefined;
  /** `latency`: smaller is closer; `bandwidth`: larger is closer; `hops` with hwloc 3 only. */
  readonly means: 'latency' | 'bandwidth' | 'hops' | undefined;
  /** Whether the objects are of several types. */
  readonly heterogeneousTypes: boolean;
}

/**
 * A matrix with the distance from each of its objects to each other. The matrix can be used after `close()`;
 * its objects cannot.
 */
export class Distances {
  /** @internal */
  constructor(
    /** `NUMALatency`, `XGMIBandwidth`, …; `undefined` if unknown, and with hwloc 2.0. */
    readonly name: string | undefined,
    readonly kind: DistancesKind,
    /** In no particular order. */
    readonly objects: readonly TopologyObject[],
    /**
     * `values[i][j]`: from the i-th to the j-th object. The platform defines the unit (SLIT: 10 is the
     * distance of an object to itself).
     */
    readonly values: readonly (readonly number[])[],
  ) {
    Object.freeze(this);
  }

  /**
   * The distance from one object to another, `undefined` if one of them is not in the matrix.
   *
   * @throws ForeignObjectError, InvalidArgumentError
   * @see hwloc_distances_obj_pair_values()
   */
  value(from: TopologyObject, to: TopologyObject): number | undefined {
    const [own] = this.objects;
    for (const object of [from, to]) {
      if (modelOf(object) !== (own && modelOf(own))) throw new ForeignObjectError(object);
    }
    return this.values[this.objects.indexOf(from)]?.[this.objects.indexOf(to)];
  }

  /** What `console.log()` prints for it, as in `${distances}`. */
  toString(): string {
    return inspect(this);
  }

  /** @internal For console.log() and util.inspect(). */
  [inspect.custom](): string {
    const { from = 'unknown', means = 'unknown' } = this.kind;
    const names = this.objects.map((object) => `${object.type} L#${object.logicalIndex}`);
    const rows = this.values.map((row, i) => `  ${names[i] ?? ''}: ${row.join(' ')}`);
    return [`Distances ${this.name ?? '(no name)'} (${means}, from ${from})`, ...rows].join('\n');
  }
}

const filterChecks = {
  type: typeCheck,
  depth: depthCheck,
  name: text,
  from: oneOf(['os', 'user']),
  means: oneOf(['latency', 'bandwidth']),
};

/**
 * @see hwloc_distances_get(), hwloc_distances_get_by_depth(), hwloc_distances_get_by_type(), hwloc_distances_get_by_name()
 */
export function distances(topology: TopologyHandle, filter: DistancesFilter): readonly Distances[] {
  checkOptions('topology.distances', filter, filterChecks);
  const kind =
    (filter.from === undefined ? 0 : filter.from === 'os' ? FROM_OS : FROM_USER) |
    (filter.means === undefined ? 0 : filter.means === 'latency' ? LATENCY : BANDWIDTH);
  const pointers = find(topology, filter, kind);
  try {
    // The function that searches by name takes no kind, so the kind is checked here.
    return pointers.map((each) => read(topology, each)).filter((each) => matches(each.kind, filter));
  } finally {
    for (const each of pointers) libhwloc().native('hwloc_distances_release')(pointerOf(topology), each);
  }
}

function find(topology: TopologyHandle, filter: DistancesFilter, kind: number): number[] {
  const [name, before, after] = functionFor(filter, kind);
  const get = (count: number[], room: BigUint64Array) =>
    invoke(name, () => libhwloc().native(name)(pointerOf(topology), ...before, count, room, ...after));
  const count = [0];
  get(count, new BigUint64Array(0));
  const room = new BigUint64Array(count[0] ?? 0);
  if (room.length > 0) get([room.length], room);
  return Array.from(room, Number);
}

function functionFor(filter: DistancesFilter, kind: number): [LibhwlocFunction, unknown[], unknown[]] {
  const { type, depth, name } = filter;
  if ([type, depth, name].filter((each) => each !== undefined).length > 1) {
    throw new InvalidArgumentError(
      'topology.distances() finds by type, by depth or by name, not by several of them',
    );
  }
  if (type !== undefined) return ['hwloc_distances_get_by_type', [typeNumber(type)], [kind, 0]];
  if (depth !== undefined) return ['hwloc_distances_get_by_depth', [depth], [kind, 0]];
  if (name !== undefined) return ['hwloc_distances_get_by_name', [name], [0]];
  return ['hwloc_distances_get', [], [kind, 0]];
}

function matches(kind: DistancesKind, filter: DistancesFilter): boolean {
  return (
    (filter.from === undefined || kind.from === filter.from) &&
    (filter.means === undefined || kind.means === filter.means)
  );
}

function read(topology: TopologyHandle, address: number): Distances {
  const model = objectsOf(topology);
  const { memory } = model;
  const { native, has } = libhwloc();
  const count = memory.uint32(address + NBOBJS);
  const array = memory.uint64(address + OBJS);
  const matrix = memory.uint64(address + VALUES);
  const addresses = Array.from({ length: count }, (_, i) => BigInt(memory.uint64(array + 8 * i)));
  const values = Array.from({ length: count }, (_, i) =>
    Object.freeze(Array.from({ length: count }, (__, j) => memory.uint64(matrix + 8 * (i * count + j)))),
  );
  return new Distances(
    has('hwloc_distances_get_name')
      ? memory.text(Number(native('hwloc_distances_get_name')(pointerOf(topology), address)))
      : undefined,
    kindOf(memory.uint64(address + KIND)),
    Object.freeze(model.objectsAt(addresses)),
    Object.freeze(values),
  );
}

function kindOf(bits: number): DistancesKind {
  return Object.freeze({
    from: bits & FROM_OS ? 'os' : bits & FROM_USER ? 'user' : undefined,
    means: bits & LATENCY ? 'latency' : bits & BANDWIDTH ? 'bandwidth' : bits & HOPS ? 'hops' : undefined,
    heterogeneousTypes: (bits & HETEROGENEOUS_TYPES) !== 0,
  });
}
