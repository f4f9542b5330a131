// A topology: loaded from this machine or from a description, or adopted from a file that another process wrote.

import koffi from 'koffi';
import { TopologyClosedError } from './errors.js';
import { invoke } from './invoke.js';
import { abiOf, libhwloc } from './library.js';
import { type Segment, shmemAdopt, shmemLength, shmemWrite } from './shmem.js';
import { type ObjectType, typeNumber } from './types.js';

// enum hwloc_get_type_depth_e in hwloc.h.
const DEPTH_UNKNOWN = -1;
const DEPTH_MULTIPLE = -2;

/** The `hwloc_topology_t` of a topology, for this folder only. @throws TopologyClosedError */
export let pointerOf: (topology: Topology) => number;

/**
 * A topology, read-only.
 *
 * Made by `loadTopology`, `importXml`, … or `adoptTopology`; to be closed when done with. After `close()` every use
 * throws {@link TopologyClosedError}.
 */
export class Topology {
  #pointer: number | undefined;
  readonly #segment: Omit<Segment, 'fd'> | undefined;

  /** For the functions of this folder: a loaded topology, and where it was adopted from if it was. */
  constructor(pointer: number, adoptedFrom?: Omit<Segment, 'fd'>) {
    this.#pointer = pointer;
    this.#segment = adoptedFrom;
  }

  static {
    pointerOf = (topology) => {
      if (topology.#pointer === undefined) throw new TopologyClosedError();
      return topology.#pointer;
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

  /** The number of levels, from the machine (depth 0) to the PUs (depth - 1). @see hwloc_topology_get_depth() */
  get depth(): number {
    return Number(libhwloc().native('hwloc_topology_get_depth')(pointerOf(this)));
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
   * The number of objects of a type, at whatever depths they are (groups may be at several).
   *
   * @see hwloc_get_nbobjs_by_depth(), hwloc_get_type_depth()
   */
  count(type: ObjectType): number {
    const { native } = libhwloc();
    const at = (depth: number) => Number(native('hwloc_get_nbobjs_by_depth')(pointerOf(this), depth));
    const depth = Number(native('hwloc_get_type_depth')(pointerOf(this), typeNumber(type)));
    if (depth === DEPTH_UNKNOWN) return 0;
    if (depth !== DEPTH_MULTIPLE) return at(depth);
    let total = 0;
    for (let level = 0; level < this.depth; level++) {
      if (native('hwloc_get_depth_type')(pointerOf(this), level) === typeNumber(type)) total += at(level);
    }
    return total;
  }

  /**
   * The topology as XML, in hwloc's format 2.
   *
   * @see hwloc_topology_export_xmlbuffer()
   */
  exportXml(): string {
    const buffer = [0];
    const length = [0];
    const { native } = libhwloc();
    invoke('hwloc_topology_export_xmlbuffer', () =>
      native('hwloc_topology_export_xmlbuffer')(pointerOf(this), buffer, length, 0),
    );
    const address = buffer[0] ?? 0;
    try {
      // The length counts the NUL at the end.
      return koffi.decode.string(BigInt(address), (length[0] ?? 1) - 1);
    } finally {
      native('hwloc_free_xmlbuffer')(pointerOf(this), address);
    }
  }

  /** Bytes that {@link writeTo} needs. @see hwloc_shmem_topology_get_length() */
  sharedLength(): number {
    return shmemLength(pointerOf(this));
  }

  /** Writes the topology into a file for others to adopt. @see {@link shmemWrite}, for what it throws */
  writeTo(segment: Segment): void {
    shmemWrite(pointerOf(this), segment);
  }

  /** Frees the topology, or unmaps it where it was adopted. Further calls do nothing. @see hwloc_topology_destroy() */
  close(): void {
    if (this.#pointer !== undefined) libhwloc().native('hwloc_topology_destroy')(this.#pointer);
    this.#pointer = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Maps a topology that another process wrote. @see {@link shmemAdopt}, for what it throws */
export function adoptTopology(segment: Segment): Topology {
  const { offset, address, length } = segment;
  return new Topology(shmemAdopt(segment), { offset, address, length });
}
