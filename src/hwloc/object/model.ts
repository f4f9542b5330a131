// The objects of one open topology: finds the JavaScript object of a C object, and reads what all objects
// share.

import { CpuSet, NodeSet } from '../bitmap/bitmap.js';
import { TopologyClosedError } from '../errors.js';
import { readBits } from '../ffi/bitmaps.js';
import { type Layout, layoutOf } from '../ffi/layout.js';
import { abiOf } from '../ffi/library.js';
import { Memory, slotOf } from '../ffi/memory.js';
import { pciLayoutOf } from '../ffi/pci-layout.js';
import type { TopologyObject } from './kinds.js';
import { ObjectView } from './object.js';

/** A name and a value that hwloc has found out. @see struct hwloc_info_s */
export interface Info {
  readonly name: string;
  readonly value: string;
}

/**
 * Only for this folder: it reads memory at any address, and {@link open} is all that it knows about closed
 * topologies.
 */
export class Model {
  readonly layout: Layout;
  readonly memory: Memory;
  /** False after the topology is closed. All code that reads memory checks this first. */
  open = true;
  /** One JavaScript object for each C object that was asked for, so that `===` compares objects. */
  readonly #objects = new Map<number, TopologyObject>();

  readonly #pointer: number;
  #pciLayout: Layout | undefined;

  constructor(
    /** The `hwloc_topology_t`. */
    pointer: number,
    /** The number of the topology in this process. */
    readonly number: number,
    mapping?: { readonly address: number; readonly length: number },
  ) {
    this.#pointer = pointer;
    this.layout = layoutOf(abiOf(pointer));
    this.memory = new Memory(mapping);
  }

  /**
   * The table for the attributes of bridges and PCI devices. It may differ from {@link layout}. @throws
   * NotSupportedError
   */
  get pciLayout(): Layout {
    return (this.#pciLayout ??= pciLayoutOf(this.#pointer, this.memory, this.layout));
  }

  /** @throws TopologyClosedError */
  check(): void {
    if (!this.open) throw new TopologyClosedError();
  }

  /** The object at an address that libhwloc gave; `undefined` for a null pointer. */
  objectAt(address: number): TopologyObject | undefined {
    if (address === 0) return undefined;
    const window = this.memory.windowOf(address);
    const at = address - window.base;
    const slot = slotOf(window, at);
    const known = this.#objects.get(slot);
    if (known !== undefined) return known;
    const made = new ObjectView(this, window, at) as TopologyObject;
    this.#objects.set(slot, made);
    return made;
  }

  /** The objects at addresses that libhwloc gave, in their order. */
  objectsAt(addresses: Iterable<bigint>): TopologyObject[] {
    const objects: TopologyObject[] = [];
    for (const address of addresses) {
      const object = this.objectAt(Number(address));
      if (object !== undefined) objects.push(object);
    }
    return objects;
  }

  cpuSetAt(address: number): CpuSet | undefined {
    return address === 0 ? undefined : new CpuSet(readBits(this.memory, address));
  }

  nodeSetAt(address: number): NodeSet | undefined {
    return address === 0 ? undefined : new NodeSet(readBits(this.memory, address));
  }

  /** An array of `struct hwloc_info_s`. */
  infosAt(address: number, count: number): readonly Info[] {
    const infos: Info[] = [];
    for (let i = 0; i < count; i++) {
      const name = this.memory.text(this.memory.uint64(address + 16 * i)) ?? '';
      const value = this.memory.text(this.memory.uint64(address + 16 * i + 8)) ?? '';
      infos.push(Object.freeze({ name, value }));
    }
    return Object.freeze(infos);
  }
}
