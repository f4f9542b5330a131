// Reads the fields of `struct hwloc_obj` in place.

import { type Check, check } from '../../check/index.js';
import type { CpuSet, NodeSet } from '../bitmap/bitmap.js';
import type { ObjectOffsets } from '../ffi/layout.js';
import { type Window, littleEndian, readUint64, slotOf } from '../ffi/memory.js';
import type { ObjectAttributes } from './attributes.js';
import type { IoObject, MemoryObject, MiscObject, NormalObject, TopologyObject } from './kinds.js';
import type { Info, Model } from './model.js';
import { readAttributes } from './read-attributes.js';
import type { ObjectType } from './types.js';

/** hwloc's `(unsigned) -1`. */
const HWLOC_UNKNOWN_INDEX = 0xffff_ffff;

/** The model that an object belongs to, for src/hwloc only. @throws InvalidArgumentError  not an object of a topology */
export let modelOf: (object: ObjectFields) => Model;
/** The address of an object, for this folder only. @throws TopologyClosedError */
export let addressOf: (object: ObjectFields) => number;
/** An object of any topology. */
export let objectCheck: Check;
/**
 * A text that no other object of this process has; empty for a value that is not an object, such as the
 * prototype.
 */
export let identityOf: (object: ObjectFields) => string;

/**
 * The public fields of an object, under their names in hwloc.h.
 *
 * Numbers are read from the topology's memory at every access. Links, texts, sets, infos, attributes and
 * lists of children are read at the first access and kept, since a topology does not change. All fields throw
 * {@link TopologyClosedError} after `close()`. `userdata` is not offered: in a shared topology it means
 * nothing.
 */
export class ObjectFields {
  readonly #model: Model;
  readonly #window: Window;
  readonly #view: DataView;
  readonly #at: number;
  readonly #offsets: ObjectOffsets;
  // null: not read yet.
  #subtype: string | undefined | null = null;
  #name: string | undefined | null = null;
  #attributes: ObjectAttributes | undefined | null = null;
  #cpuset: CpuSet | undefined | null = null;
  #completeCpuset: CpuSet | undefined | null = null;
  #nodeset: NodeSet | undefined | null = null;
  #completeNodeset: NodeSet | undefined | null = null;
  #infos: readonly Info[] | null = null;
  #nextCousin: TopologyObject | undefined | null = null;
  #previousCousin: TopologyObject | undefined | null = null;
  #parent: TopologyObject | undefined | null = null;
  #nextSibling: TopologyObject | undefined | null = null;
  #previousSibling: TopologyObject | undefined | null = null;
  #children: readonly NormalObject[] | null = null;
  #memoryChildren: readonly MemoryObject[] | null = null;
  #ioChildren: readonly IoObject[] | null = null;
  #miscChildren: readonly MiscObject[] | null = null;

  /** @internal */
  constructor(model: Model, window: Window, at: number) {
    this.#model = model;
    this.#window = window;
    this.#view = window.view;
    this.#at = at;
    this.#offsets = model.layout.object;
  }

  static {
    modelOf = (object) => {
      check('object', object, objectCheck);
      return object.#model;
    };
    objectCheck = (value) =>
      typeof value === 'object' && value !== null && #model in value ? undefined : 'an object of a topology';
    addressOf = (object) => {
      object.#model.check();
      return object.#window.base + object.#at;
    };
    identityOf = (object) =>
      #model in object ? ` ${object.#model.number}.${slotOf(object.#window, object.#at)}` : '';
  }

  /** The type; `'Unknown'` for one that this binding does not know. @see hwloc_obj_type_t */
  get type(): ObjectType | 'Unknown' {
    return (this.#model.layout.types[this.typeNumber] ?? 'Unknown') as ObjectType | 'Unknown';
  }

  /** The number of the type in the libhwloc that wrote the topology. Numbers differ between hwloc 2 and 3. */
  get typeNumber(): number {
    return this.#uint(this.#offsets.type);
  }

  /** A more precise type, such as `'Cluster'` for a group or `'HBM'` for a NUMA node. */
  get subtype(): string | undefined {
    return this.#subtype !== null
      ? this.#open(this.#subtype)
      : (this.#subtype = this.#text(this.#offsets.subtype));
  }

  /** The operating system's number of the object; unique among PUs, and among NUMA nodes. */
  get osIndex(): number | undefined {
    const index = this.#uint(this.#offsets.osIndex);
    return index === HWLOC_UNKNOWN_INDEX ? undefined : index;
  }

  /** The name. Mostly OS devices and Misc objects have one. */
  get name(): string | undefined {
    return this.#name !== null ? this.#open(this.#name) : (this.#name = this.#text(this.#offsets.name));
  }

  /** Bytes of memory of all NUMA nodes below, exact to 2^53 (8 PiB). */
  get totalMemory(): number {
    return this.#uint64(this.#offsets.totalMemory);
  }

  /** The attributes that only objects of its type have. @see union hwloc_obj_attr_u */
  get attributes(): ObjectAttributes | undefined {
    if (this.#attributes !== null) return this.#open(this.#attributes);
    const { type } = this;
    const model = this.#model;
    const layout = type === 'PCIDev' || type === 'Bridge' ? model.pciLayout : model.layout;
    const address = this.#uint64(this.#offsets.attributes);
    return (this.#attributes = readAttributes(model.memory, layout, type, address));
  }

  /** The level: 0 for the root, ascending to the PUs; negative for NUMA nodes, memory-side caches, I/O and Misc objects. */
  get depth(): number {
    this.#model.check();
    return this.#view.getInt32(this.#at + this.#offsets.depth, littleEndian);
  }

  /** The position in its level, from 0. */
  get logicalIndex(): number {
    return this.#uint(this.#offsets.logicalIndex);
  }

  /** The next object of its level. */
  get nextCousin(): TopologyObject | undefined {
    return this.#nextCousin !== null
      ? this.#open(this.#nextCousin)
      : (this.#nextCousin = this.#object(this.#offsets.nextCousin));
  }

  /** The previous object of its level. */
  get previousCousin(): TopologyObject | undefined {
    return this.#previousCousin !== null
      ? this.#open(this.#previousCousin)
      : (this.#previousCousin = this.#object(this.#offsets.previousCousin));
  }

  /** The parent; `undefined` for the root. */
  get parent(): TopologyObject | undefined {
    return this.#parent !== null
      ? this.#open(this.#parent)
      : (this.#parent = this.#object(this.#offsets.parent));
  }

  /** The position in its list of children, from 0. */
  get siblingRank(): number {
    return this.#uint(this.#offsets.siblingRank);
  }

  /** The next object in the same list of children. */
  get nextSibling(): TopologyObject | undefined {
    return this.#nextSibling !== null
      ? this.#open(this.#nextSibling)
      : (this.#nextSibling = this.#object(this.#offsets.nextSibling));
  }

  /** The previous object in the same list of children. */
  get previousSibling(): TopologyObject | undefined {
    return this.#previousSibling !== null
      ? this.#open(this.#previousSibling)
      : (this.#previousSibling = this.#object(this.#offsets.previousSibling));
  }

  /** The number of normal children. */
  get arity(): number {
    return this.#uint(this.#offsets.arity);
  }

  /** The normal children: objects of the main tree, from packages down to PUs. */
  get children(): readonly NormalObject[] {
    return this.#children !== null
      ? this.#open(this.#children)
      : (this.#children = this.#list(this.#offsets.firstChild) as readonly NormalObject[]);
  }

  get firstChild(): NormalObject | undefined {
    return this.children[0];
  }

  get lastChild(): NormalObject | undefined {
    return this.children.at(-1);
  }

  /** Whether all normal children have equal subtrees of normal objects. */
  get symmetricSubtree(): boolean {
    return this.#uint(this.#offsets.symmetricSubtree) !== 0;
  }

  /** The number of memory children. */
  get memoryArity(): number {
    return this.#uint(this.#offsets.memoryArity);
  }

  /** The memory children: NUMA nodes and memory-side caches. */
  get memoryChildren(): readonly MemoryObject[] {
    if (this.#memoryChildren !== null) return this.#open(this.#memoryChildren);
    return (this.#memoryChildren = this.#list(this.#offsets.memoryFirstChild) as readonly MemoryObject[]);
  }

  /** The number of I/O children. */
  get ioArity(): number {
    return this.#uint(this.#offsets.ioArity);
  }

  /** The I/O children: bridges, PCI devices and OS devices. */
  get ioChildren(): readonly IoObject[] {
    return this.#ioChildren !== null
      ? this.#open(this.#ioChildren)
      : (this.#ioChildren = this.#list(this.#offsets.ioFirstChild) as readonly IoObject[]);
  }

  /** The number of Misc children. */
  get miscArity(): number {
    return this.#uint(this.#offsets.miscArity);
  }

  /** The Misc children: objects that a user has added. */
  get miscChildren(): readonly MiscObject[] {
    if (this.#miscChildren !== null) return this.#open(this.#miscChildren);
    return (this.#miscChildren = this.#list(this.#offsets.miscFirstChild) as readonly MiscObject[]);
  }

  /** The CPUs of the PUs below. `undefined` for I/O and Misc objects. */
  get cpuset(): CpuSet | undefined {
    return this.#cpuset !== null
      ? this.#open(this.#cpuset)
      : (this.#cpuset = this.#cpuSet(this.#offsets.cpuset));
  }

  /** `cpuset`, and also CPUs that are offline, not allowed, or in an unknown place. `undefined` for I/O and Misc objects. */
  get completeCpuset(): CpuSet | undefined {
    if (this.#completeCpuset !== null) return this.#open(this.#completeCpuset);
    return (this.#completeCpuset = this.#cpuSet(this.#offsets.completeCpuset));
  }

  /** The NUMA nodes that are close: below or above this object. `undefined` for I/O and Misc objects. */
  get nodeset(): NodeSet | undefined {
    return this.#nodeset !== null
      ? this.#open(this.#nodeset)
      : (this.#nodeset = this.#nodeSet(this.#offsets.nodeset));
  }

  /** `nodeset`, and also nodes that are offline, not allowed, or in an unknown place. `undefined` for I/O and Misc objects. */
  get completeNodeset(): NodeSet | undefined {
    if (this.#completeNodeset !== null) return this.#open(this.#completeNodeset);
    return (this.#completeNodeset = this.#nodeSet(this.#offsets.completeNodeset));
  }

  /** What hwloc has found out about the object: names and values. A name may occur twice. */
  get infos(): readonly Info[] {
    if (this.#infos !== null) return this.#open(this.#infos);
    return (this.#infos = this.#model.infosAt(
      this.#uint64(this.#offsets.infos),
      this.#uint(this.#offsets.infosCount),
    ));
  }

  /** A number that no other object of the topology has. It stays the same when the topology is changed or exported. */
  get gpIndex(): number {
    return this.#uint64(this.#offsets.gpIndex);
  }

  #open<Value>(value: Value): Value {
    this.#model.check();
    return value;
  }

  #uint(offset: number): number {
    this.#model.check();
    return this.#view.getUint32(this.#at + offset, littleEndian);
  }

  #uint64(offset: number): number {
    this.#model.check();
    return readUint64(this.#view, this.#at + offset);
  }

  #text(offset: number): string | undefined {
    return this.#model.memory.text(this.#uint64(offset));
  }

  #object(offset: number): TopologyObject | undefined {
    return this.#model.objectAt(this.#uint64(offset));
  }

  #cpuSet(offset: number): CpuSet | undefined {
    return this.#model.cpuSetAt(this.#uint64(offset));
  }

  #nodeSet(offset: number): NodeSet | undefined {
    return this.#model.nodeSetAt(this.#uint64(offset));
  }

  #list(first: number): readonly TopologyObject[] {
    const list: TopologyObject[] = [];
    for (let child = this.#object(first); child !== undefined; child = child.nextSibling) list.push(child);
    return Object.freeze(list);
  }
}
