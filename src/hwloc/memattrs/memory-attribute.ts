// Attributes of memory, for choosing the node to allocate on (hwloc/memattrs.h).

import { inspect } from 'node:util';
import { CpuSet } from '../bitmap/bitmap.js';
import { HwlocError, invoke } from '../../libc/index.js';
import { InvalidArgumentError } from '../../check/index.js';
import { readBits } from '../ffi/bitmaps.js';
import { libhwloc } from '../ffi/library.js';
import { locationAt, locations, withLocation } from '../ffi/location.js';
import type { TopologyObject } from '../object/kinds.js';
import { type TopologyHandle, addressIn, objectsOf, pointerOf } from '../topology/handle.js';

// enum hwloc_memattr_flag_e.
const HIGHER_FIRST = 1 << 0;
const NEED_INITIATOR = 1 << 2;

/** HWLOC_MEMATTR_ID_CAPACITY and _LOCALITY are 0 and 1: hwloc computes them from the node itself. */
const LAST_TAKEN_FROM_NODE = 1;

/** What accesses the memory: some CPUs, or an object such as a GPU. */
export type Initiator = CpuSet | TopologyObject;

/** A node (or other object) and its value. */
export interface TargetValue {
  readonly target: TopologyObject;
  readonly value: number;
}

/** An initiator, and the value for it. */
export interface InitiatorValue {
  readonly initiator: Initiator;
  readonly value: number;
}

/**
 * One attribute of memory. Values are whole numbers, exact to 2^53. Units: bytes for Capacity, PUs for
 * Locality, MiB/s for bandwidths, nanoseconds for latencies; the program that registers another attribute
 * defines its unit.
 *
 * If `needsInitiator` is false, initiators are ignored. All methods throw TopologyClosedError after
 * `close()`, and ForeignObjectError for an object of another topology.
 */
export class MemoryAttribute {
  readonly #topology: TopologyHandle;

  /** @internal */
  constructor(
    topology: TopologyHandle,
    /** hwloc's number of the attribute: 0 is Capacity; numbers from 8 on were registered. */
    readonly id: number,
    /** `Capacity`, `Locality`, `Bandwidth`, `Latency`, `ReadBandwidth`, … or a registered name. */
    readonly name: string,
    /** Whether higher or lower values are better. */
    readonly better: 'higher' | 'lower',
    /** Whether values depend on the initiator. */
    readonly needsInitiator: boolean,
  ) {
    this.#topology = topology;
    // Frozen, since the arguments of libhwloc depend on these fields.
    Object.freeze(this);
  }

  /**
   * The value of a node, `undefined` if there is none (for this initiator).
   *
   * @throws InvalidArgumentError  the attribute needs an initiator, and none is given
   * @see hwloc_memattr_get_value()
   */
  value(target: TopologyObject, initiator?: Initiator): number | undefined {
    const name = 'hwloc_memattr_get_value';
    const node = addressIn(this.#topology, target);
    // libhwloc up to 2.9 does not look at the type: it would read the memory of a cache, and the CPUs of a
    // PCI device, which has none.
    if (this.id <= LAST_TAKEN_FROM_NODE && target.type !== 'NUMANode') return undefined;
    const value = [0];
    const found = this.#with(this.#needed(initiator), (from) =>
      present(() =>
        invoke(name, () => libhwloc().native(name)(this.#pointer, this.id, node, from, 0, value)),
      ),
    );
    return found ? Number(value[0]) : undefined;
  }

  /**
   * The nodes that have a value, and their values for an initiator. If the attribute needs an initiator and
   * none is given, hwloc reports the value of each node for some initiator: use {@link initiators} then.
   *
   * @see hwloc_memattr_get_targets()
   */
  targets(initiator?: Initiator): readonly TargetValue[] {
    const name = 'hwloc_memattr_get_targets';
    const get = (from: unknown, count: number[], targets: unknown, values: unknown) =>
      invoke(name, () => libhwloc().native(name)(this.#pointer, this.id, from, 0, count, targets, values));
    return this.#with(initiator, (from) => {
      const count = [0];
      get(from, count, null, null);
      const targets = new BigUint64Array(count[0] ?? 0);
      const values = new BigUint64Array(targets.length);
      if (targets.length > 0) get(from, [targets.length], targets, values);
      const objects = objectsOf(this.#topology).objectsAt(targets);
      return objects.map((target, i) => ({ target, value: Number(values[i]) }));
    });
  }

  /**
   * The initiators that have a value for a node, and their values. An empty list if the attribute needs no
   * initiator. @see hwloc_memattr_get_initiators()
   */
  initiators(target: TopologyObject): readonly InitiatorValue[] {
    const name = 'hwloc_memattr_get_initiators';
    const node = addressIn(this.#topology, target);
    if (!this.needsInitiator) return [];
    const get = (count: number[], initiators: unknown, values: unknown) =>
      present(() =>
        invoke(name, () =>
          libhwloc().native(name)(this.#pointer, this.id, node, 0, count, initiators, values),
        ),
      );
    const count = [0];
    if (!get(count, null, null) || count[0] === 0) return [];
    const room = locations(count[0] ?? 0);
    const values = new BigUint64Array(count[0] ?? 0);
    get([values.length], room, values);
    return Array.from(values, (value, i) => ({
      initiator: this.#initiatorAt(room, i),
      value: Number(value),
    }));
  }

  /**
   * The node with the best value, `undefined` if no node has a value (for this initiator).
   *
   * @throws InvalidArgumentError  the attribute needs an initiator, and none is given
   * @see hwloc_memattr_get_best_target()
   */
  bestTarget(initiator?: Initiator): TargetValue | undefined {
    const name = 'hwloc_memattr_get_best_target';
    const [target, value] = [[0], [0]];
    const found = this.#with(this.#needed(initiator), (from) =>
      present(() =>
        invoke(name, () => libhwloc().native(name)(this.#pointer, this.id, from, 0, target, value)),
      ),
    );
    const object = found ? objectsOf(this.#topology).objectAt(Number(target[0])) : undefined;
    return object && { target: object, value: Number(value[0]) };
  }

  /**
   * The initiator with the best value for a node; `undefined` if there is none, or if the attribute needs no
   * initiator. @see hwloc_memattr_get_best_initiator()
   */
  bestInitiator(target: TopologyObject): InitiatorValue | undefined {
    const name = 'hwloc_memattr_get_best_initiator';
    const node = addressIn(this.#topology, target);
    if (!this.needsInitiator) return undefined;
    const room = locations(1);
    const value = [0];
    const found = present(() =>
      invoke(name, () => libhwloc().native(name)(this.#pointer, this.id, node, 0, room, value)),
    );
    return found ? { initiator: this.#initiatorAt(room, 0), value: Number(value[0]) } : undefined;
  }

  /** What `console.log()` prints for it, as in `${attribute}`. */
  toString(): string {
    return inspect(this);
  }

  /** @internal For console.log() and util.inspect(). */
  [inspect.custom](): string {
    return `<MemoryAttribute ${this.id} ${this.name}: ${this.better} is better${this.needsInitiator ? ', by initiator' : ''}>`;
  }

  /**
   * @internal Differs in each topology, so that comparisons see it: assert.deepStrictEqual(), vitest's
   *   toEqual().
   */
  get [Symbol.toStringTag](): string {
    return #topology in this ? `MemoryAttribute of ${this.#topology[Symbol.toStringTag]}` : 'MemoryAttribute';
  }

  get #pointer(): number {
    return pointerOf(this.#topology);
  }

  #needed(initiator: Initiator | undefined): Initiator | undefined {
    if (!this.needsInitiator || initiator !== undefined) return initiator;
    throw new InvalidArgumentError(
      `${this.name} depends on who accesses the memory: give a CpuSet or an object as initiator`,
    );
  }

  #with<Result>(initiator: Initiator | undefined, body: (location: Uint8Array | null) => Result): Result {
    if (initiator === undefined) return body(null);
    const where = initiator instanceof CpuSet ? initiator : addressIn(this.#topology, initiator);
    return this.needsInitiator ? withLocation(where, body) : body(null);
  }

  #initiatorAt(room: Uint8Array, index: number): Initiator {
    const { isCpuset, pointer } = locationAt(room, index);
    const model = objectsOf(this.#topology);
    const object = isCpuset ? undefined : model.objectAt(pointer);
    // The set belongs to the topology: read it, but do not free it.
    return object ?? new CpuSet(readBits(model.memory, pointer));
  }
}

/** The attributes of a topology, built-in ones first. @throws NotSupportedError  before hwloc 2.3 */
export function memoryAttributes(topology: TopologyHandle): readonly MemoryAttribute[] {
  const list: MemoryAttribute[] = [];
  for (let id = 0; ; id++) {
    const attribute = memoryAttribute(topology, id);
    if (attribute === undefined) return list;
    list.push(attribute);
  }
}

/** @see hwloc_memattr_get_name(), hwloc_memattr_get_flags() */
function memoryAttribute(topology: TopologyHandle, id: number): MemoryAttribute | undefined {
  const { native } = libhwloc();
  const pointer = pointerOf(topology);
  const [name, flags] = [[0], [0]];
  if (Number(native('hwloc_memattr_get_name')(pointer, id, name)) !== 0) return undefined;
  invoke('hwloc_memattr_get_flags', () => native('hwloc_memattr_get_flags')(pointer, id, flags));
  const bits = Number(flags[0]);
  const text = objectsOf(topology).memory.text(Number(name[0])) ?? '';
  const better = (bits & HIGHER_FIRST) !== 0 ? 'higher' : 'lower';
  return new MemoryAttribute(topology, id, text, better, (bits & NEED_INITIATOR) !== 0);
}

/** Whether hwloc has a value. It returns EINVAL or ENOENT if a node or an initiator has none. */
function present(call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if (error instanceof HwlocError && (error.code === 'EINVAL' || error.code === 'ENOENT')) return false;
    throw error;
  }
}
