// What a topology is made of: the native one, the model of its objects, and the end of both.

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

  /** @internal @throws TypeError  for others, who could name any memory */
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

  /** Where the topology is mapped, if it was adopted: its virtual address, its bytes, its offset in the file. */
  get adoptedFrom(): Omit<Segment, 'fd'> | undefined {
    return this.#segment;
  }

  /** The ABI word of this topology. @see hwloc_topology_abi_check() */
  get abi(): number {
    return abiOf(pointerOf(this));
  }

  /**
   * Whether it describes the machine we run on, so that binding to its objects means something.
   *
   * @see hwloc_topology_is_thissystem()
   */
  get isThisSystem(): boolean {
    return libhwloc().native('hwloc_topology_is_thissystem')(pointerOf(this)) === 1;
  }

  /**
   * Frees the topology, or unmaps it if it was adopted. Then its objects, and everything else that belongs to it, throw
   * {@link TopologyClosedError}; sets and other plain values stay. Further calls do nothing.
   *
   * A topology that several threads of this process have joined stays mapped until the process ends.
   *
   * @see hwloc_topology_destroy()
   */
  close(): void {
    if (this.#pointer === undefined) return;
    const pointer = this.#pointer;
    // First, so that nothing of ours can reach the memory while, or after, it goes away.
    this.#pointer = undefined;
    if (this.#model !== undefined) this.#model.open = false;
    this.#model = undefined;
    if (takeBackTopology(pointer)) libhwloc().native('hwloc_topology_destroy')(pointer);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal Differs from topology to topology, for those who compare them: assert.deepStrictEqual(), vitest's toEqual(). */
  get [Symbol.toStringTag](): string {
    return #number in this ? `Topology ${this.#number}` : 'Topology';
  }
}

/** The address of an object of this topology. @throws ForeignObjectError, TopologyClosedError */
export function addressIn(topology: TopologyHandle, object: TopologyObject): number {
  if (modelOf(object) === objectsOf(topology)) return addressOf(object);
  throw new ForeignObjectError(object);
}
