// An object of a topology: its fields, and the objects near it.

import { inspect } from 'node:util';
import { check, text } from '../../check/index.js';
import { checkCpus, depthCheck } from '../arguments.js';
import type { CpuSet } from '../bitmap/bitmap.js';
import { ForeignObjectError } from '../errors.js';
import { HwlocError } from '../../libc/index.js';
import { type ObjectJson, objectJson } from '../export/json.js';
import { ObjectFields, identityOf, modelOf } from './fields.js';
import { describe } from './inspect.js';
import type { DataCacheObject, MemoryObject, NormalObject, ObjectOfType, TopologyObject } from './kinds.js';
import { labelOf } from './label.js';
import { type ChildKind, type ObjectType, childKindOf, isDataCache, typeCheck } from './types.js';

/** The common part of all objects. {@link TopologyObject} is the union of the types. */
export class ObjectView extends ObjectFields {
  /**
   * lstopo's text for the object: `Core L#3`, `PU L#6 (P#12)`, `L3 L#1 (16MB)`, `PCI 0000:04:00.1 (Ethernet)`,
   * `Net "eth0"`. PCI devices always have their domain.
   */
  get label(): string {
    return labelOf(this.#self, true);
  }

  /** The {@link label}, as in `${object}`. */
  override toString(): string {
    return this.label;
  }

  /** Which of the parent's four lists of children the object is in. */
  get childKind(): ChildKind {
    const { type } = this;
    if (type !== 'Unknown') return childKindOf(type);
    // hwloc's own rule for all types: levels of the main tree have depths from 0, and I/O objects have no
    // sets.
    return this.depth >= 0 ? 'normal' : this.cpuset === undefined ? 'io' : 'memory';
  }

  /** All children: normal, memory, I/O and Misc ones, in this order. @see hwloc_get_next_child() */
  get allChildren(): readonly TopologyObject[] {
    return [...this.children, ...this.memoryChildren, ...this.ioChildren, ...this.miscChildren];
  }

  /** The value of the first info with a name. @see hwloc_obj_get_info_by_name() */
  info(name: string): string | undefined {
    check('name', name, text);
    return this.infos.find((info) => info.name === name)?.value;
  }

  /** Parent, grandparent and so on, up to the root. */
  *ancestors(): Generator<TopologyObject, void, undefined> {
    for (let up = this.parent; up !== undefined; up = up.parent) yield up;
  }

  /** The nearest ancestor of a type. @see hwloc_get_ancestor_obj_by_type() */
  ancestor<Type extends ObjectType>(type: Type): ObjectOfType<Type> | undefined {
    check('type', type, typeCheck);
    for (const up of this.ancestors()) if (up.type === type) return up as ObjectOfType<Type>;
    return undefined;
  }

  /**
   * The ancestor, or the object itself, at a depth; `undefined` if the object is above that depth. @see
   * hwloc_get_ancestor_obj_by_depth()
   */
  ancestorAtDepth(depth: number): TopologyObject | undefined {
    check('depth', depth, depthCheck);
    if (this.depth < depth) return undefined;
    let up: TopologyObject | undefined = this.#self;
    while (up !== undefined && up.depth > depth) up = up.parent;
    return up;
  }

  /**
   * The lowest object that both objects are below. If one of the two is below the other, the other.
   *
   * Works for objects of all kinds. (hwloc's own function compares depths, which are negative for memory, I/O
   * and Misc objects.)
   *
   * @throws ForeignObjectError  the other object belongs to another topology
   * @see hwloc_get_common_ancestor_obj()
   */
  commonAncestor(other: TopologyObject): TopologyObject {
    this.#sameTopology(other);
    const mine = new Set<TopologyObject>([this.#self, ...this.ancestors()]);
    let up = other;
    while (!mine.has(up)) up = up.parent ?? this.#self;
    return up;
  }

  /**
   * Whether the CPUs of this object are among the CPUs of another object. False for I/O and Misc objects,
   * which have none.
   *
   * @throws ForeignObjectError
   * @see hwloc_obj_is_in_subtree()
   */
  isInSubtree(root: TopologyObject): boolean {
    this.#sameTopology(root);
    const { cpuset } = root;
    return cpuset !== undefined && (this.cpuset?.isSubsetOf(cpuset) ?? false);
  }

  /**
   * The object itself, or its first ancestor that has CPUs: where a device is attached. @see
   * hwloc_get_non_io_ancestor_obj()
   */
  get nonIoAncestor(): NormalObject | MemoryObject {
    let up: TopologyObject | undefined = this.#self;
    while (up.childKind === 'io' || up.childKind === 'misc') {
      up = up.parent;
      // The root has CPUs.
      if (up === undefined) throw new HwlocError('hwloc_get_non_io_ancestor_obj', 'ENOENT');
    }
    return up;
  }

  /**
   * The nearest data or unified cache that this object shares with others. @see
   * hwloc_get_shared_cache_covering_obj()
   */
  get sharedCache(): DataCacheObject | undefined {
    const { cpuset } = this;
    if (cpuset === undefined) return undefined;
    for (const up of this.ancestors()) {
      if (isDataCache(up) && !up.cpuset.equals(cpuset)) return up;
    }
    return undefined;
  }

  /** The normal child that has all CPUs of a set. @see hwloc_get_child_covering_cpuset() */
  childCovering(set: CpuSet): NormalObject | undefined {
    checkCpus(set);
    if (set.isEmpty) return undefined;
    return this.children.find((child) => set.isSubsetOf(child.cpuset));
  }

  /**
   * The object and all objects below it, of all four kinds: each object before its children, in the order of
   * {@link allChildren}.
   */
  *walk(): Generator<TopologyObject, void, undefined> {
    const stack: TopologyObject[] = [this.#self];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      yield next;
      for (const list of [next.miscChildren, next.ioChildren, next.memoryChildren, next.children]) {
        for (let i = list.length - 1; i >= 0; i--) {
          const child = list[i];
          if (child !== undefined) stack.push(child);
        }
      }
    }
  }

  /**
   * The object and all objects below it, for `JSON.stringify`, as docs/topology.schema.json describes
   * objects.
   */
  toJSON(): ObjectJson {
    return objectJson(this.#self);
  }

  /** @internal For console.log() and util.inspect(). */
  [inspect.custom](): string {
    return describe(this.#self);
  }

  /**
   * @internal Differs in each object, so that comparisons see it: assert.deepStrictEqual(), vitest's
   *   toEqual().
   */
  get [Symbol.toStringTag](): string {
    return `TopologyObject${identityOf(this)}`;
  }

  get #self(): TopologyObject {
    return this as ObjectView as TopologyObject;
  }

  #sameTopology(other: TopologyObject): void {
    modelOf(this).check();
    if (modelOf(other) !== modelOf(this)) throw new ForeignObjectError(other);
  }
}
