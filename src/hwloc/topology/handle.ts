// Opens and closes a topology: holds the native topology and the model of its objects.

import { ForeignObjectError, TopologyClosedError } from '../errors.js';
import { abiOf, libhwloc } from '../ffi/library.js';
import { takeBackTopology } from '../ffi/process-page.js';
import { addressOf, modelOf } from '../object/fields.js';
import type { TopologyObject } from '../object/kinds.js';
import { Model } from '../object/model.js';
import type { Segment } from '../shmem.js';

/** The `hwloc_topology_t` of a topology, for src/hwloc only. @throws TopologyClosedError */
export let pointerOf: (topology: TopologyHandle) => number;
/** The objects of a topology, for src/hwloc only. @throws TopologyClosedError */
export let objectsOf: (topology: TopologyHandle) => Model;

/** A topology that libhwloc has opened. */
export class Opened {
  constructor(
    readonly pointer: number,
    readonly adoptedFrom?: Omit<Segment, 'fd'>,
  ) {}
}

let count = 0;

/** The part of a topology that opens and closes it. */
export class TopologyHandle {
  /** Tells the topologies of this process apart. */
  readonly #number = ++count;
  #pointer: number | undefined;
  #model: Model | undefined;
  readonly #segment: Omit<Segment, 'fd'> | undefined;

  /** @internal @throws TypeError  for callers outside of this package, who could name any memory */
  constructor(opened: Opened) {
    if (!(opened instanceof Opened)) throw new TypeError('use loadTopology() or adoptTopology()');
    this.#pointer = opened.pointer;
    this.#segment = opened.adoptedFrom;
  }

  static {
    pointerOf = (topology) => {
      if (topology.#pointer === undefined) throw new TopologyClosedError();
      return topology.#pointer;
    };
    objectsOf = (topology) => {
      const pointer = pointerOf(topology);
      return (topology.#model ??= new Model(pointer, topology.#number, topology.#segment));
    };
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#pointer === undefined;
  }

  /**
   * Where the topology is mapped, if it was adopted: its virtual address, its length in bytes, its offset in
   * the file.
   */
  get adoptedFrom(): Omit<Segment, 'fd'> | undefined {
    return this.#segment;
  }

  /** The ABI word of this topology. @see hwloc_topology_abi_check() */
  get abi(): number {
    return abiOf(pointerOf(this));
  }

  /**
   * Whether it describes this machine, so that binding to its objects makes sense.
   *
   * @see hwloc_topology_is_thissystem()
   */
  get isThisSystem(): boolean {
    return libhwloc().native('hwloc_topology_is_thissystem')(pointerOf(this)) === 1;
  }

  /**
   * Frees the topology, or unmaps it if it was adopted. Then its objects, and everything else that belongs to
   * it, throw {@link TopologyClosedError}; sets and other plain values stay usable. Further calls do nothing.
   *
   * A topology that several threads of this process have joined stays mapped until the process ends.
   *
   * @see hwloc_topology_destroy()
   */
  close(): void {
    if (this.#pointer === undefined) return;
    const pointer = this.#pointer;
    // Cleared first, so that no code of this package can reach the memory during or after its release.
    this.#pointer = undefined;
    if (this.#model !== undefined) this.#model.open = false;
    this.#model = undefined;
    if (takeBackTopology(pointer)) libhwloc().native('hwloc_topology_destroy')(pointer);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * @internal Differs in each topology, so that comparisons see it: assert.deepStrictEqual(), vitest's
   *   toEqual().
   */
  get [Symbol.toStringTag](): string {
    return #number in this ? `Topology ${this.#number}` : 'Topology';
  }
}

/** The address of an object of this topology. @throws ForeignObjectError, TopologyClosedError */
export function addressIn(topology: TopologyHandle, object: TopologyObject): number {
  if (modelOf(object) === objectsOf(topology)) return addressOf(object);
  throw new ForeignObjectError(object);
}
