// Bitmaps: immutable sets of CPUs or of NUMA nodes. CpuSet and NodeSet are two types, so that they cannot be mixed up.

import { inspect } from 'node:util';
import { type Check, check, text as textCheck } from '../../check/index.js';
import * as bitsets from './bits.js';
import { Bits } from './bits.js';
import { formatHwloc, formatList, formatTaskset, parseHwloc, parseList, parseTaskset } from './formats.js';

/** A class of bitmaps: its static functions return instances of this class. */
type BitmapClass<Self extends Bitmap> = new (bits: Bits) => Self;

/** The members of a set, for src/hwloc only. */
export let bitsIn: (set: Bitmap) => Bits;

const sourceCheck: Check = (value) =>
  typeof value === 'bigint' || (typeof value === 'object' && value !== null && Symbol.iterator in value)
    ? undefined
    : 'an array or another iterable of numbers, or a bigint';

/**
 * An immutable set of OS indexes, finite or infinite. Operations return a new set.
 *
 * The names are those of JavaScript's own `Set`. Each method names its function of hwloc. Two sets can be
 * combined and compared if they are of one class. Indexes are whole numbers from 0 to 67,108,863
 * (`RangeError` otherwise).
 */
export abstract class Bitmap implements Iterable<number> {
  /** The kind of index. It keeps CpuSet and NodeSet apart, for the compiler and at run time. */
  abstract readonly kind: 'cpuset' | 'nodeset';
  /**
   * The members as 32-bit words, in shortest form: bit `i` is bit `i % 32` of word `i / 32`. `isInfinite`
   * gives the value of all bits after the last word.
   *
   * This is a field, so that `assert.deepStrictEqual()`, vitest's `toEqual()` and other functions that
   * compare fields can tell whether sets are equal. (vitest and Jest first list the members, which throws for
   * an infinite set: compare infinite sets by their `words`, or with {@link equals}.)
   */
  readonly words: readonly number[];
  /** Whether all indexes from some point on are members. */
  readonly isInfinite: boolean;
  readonly #bits: Bits;

  /** For this package only: use {@link from}, {@link parse} and the other static functions. */
  constructor(bits: Bits) {
    if (!(bits instanceof Bits)) throw new TypeError(`use ${new.target.name}.of(), .from() or .parseList()`);
    this.#bits = bits;
    this.words = bits.words;
    this.isInfinite = bits.infinite;
  }

  static {
    bitsIn = (set) => set.#bits;
  }

  /** The set without members. @see hwloc_bitmap_alloc(), hwloc_bitmap_zero() */
  static empty<Self extends Bitmap>(this: BitmapClass<Self>): Self {
    return new this(bitsets.empty);
  }

  /** The infinite set of all indexes. @see hwloc_bitmap_alloc_full(), hwloc_bitmap_fill() */
  static full<Self extends Bitmap>(this: BitmapClass<Self>): Self {
    return new this(bitsets.full);
  }

  /**
   * The set of some indexes, or of the binary digits of a bigint. A negative bigint, such as `-1n`, gives an
   * infinite set.
   *
   * @see hwloc_bitmap_set(), hwloc_bitmap_from_ulongs()
   */
  static from<Self extends Bitmap>(this: BitmapClass<Self>, source: Iterable<number> | bigint): Self {
    check('source', source, sourceCheck);
    return new this(typeof source === 'bigint' ? bitsets.fromBigInt(source) : bitsets.fromIndexes(source));
  }

  /** The set of the indexes given. @see hwloc_bitmap_only() */
  static of<Self extends Bitmap>(this: BitmapClass<Self>, ...indexes: readonly number[]): Self {
    return new this(bitsets.fromIndexes(indexes));
  }

  /**
   * All indexes from the first to the last, both included. Without a last index the set is infinite. @see
   * hwloc_bitmap_set_range()
   */
  static range<Self extends Bitmap>(this: BitmapClass<Self>, first: number, last?: number): Self {
    return new this(bitsets.fromRange(first, last));
  }

  /** Reads hwloc's own format, `0x0000000f,0xffffffff`, as the installed libhwloc reads it. @throws SyntaxError @see hwloc_bitmap_sscanf() */
  static parse<Self extends Bitmap>(this: BitmapClass<Self>, text: string): Self {
    check('text', text, textCheck);
    return new this(parseHwloc(text));
  }

  /** Reads a list, `0-3,8,16-`. @throws SyntaxError @see hwloc_bitmap_list_sscanf() */
  static parseList<Self extends Bitmap>(this: BitmapClass<Self>, text: string): Self {
    check('text', text, textCheck);
    return new this(parseList(text));
  }

  /**
   * Reads one hexadecimal number, as taskset(1) does. Reads an infinite set as the installed libhwloc does.
   * @throws SyntaxError @see hwloc_bitmap_taskset_sscanf()
   */
  static parseTaskset<Self extends Bitmap>(this: BitmapClass<Self>, text: string): Self {
    check('text', text, textCheck);
    return new this(parseTaskset(text));
  }

  /** Whether there is no member. @see hwloc_bitmap_iszero() */
  get isEmpty(): boolean {
    return !this.#bits.infinite && this.#bits.words.length === 0;
  }

  /** Whether every index is a member. @see hwloc_bitmap_isfull() */
  get isFull(): boolean {
    return this.#bits.infinite && this.#bits.words.length === 0;
  }

  /** The number of members; `Infinity` for an infinite set. @see hwloc_bitmap_weight() */
  get size(): number {
    return bitsets.weight(this.#bits);
  }

  /** The lowest member, or `undefined` if there is none. @see hwloc_bitmap_first() */
  get first(): number | undefined {
    return bitsets.firstFrom(this.#bits, 0);
  }

  /** The highest member, `Infinity` for an infinite set, `undefined` for an empty one. @see hwloc_bitmap_last() */
  get last(): number | undefined {
    return bitsets.last(this.#bits);
  }

  /** The lowest index that is not a member, or `undefined` if all are. @see hwloc_bitmap_first_unset() */
  get firstUnset(): number | undefined {
    return this.complement().first;
  }

  /** The highest index that is not a member; `Infinity` for a finite set. @see hwloc_bitmap_last_unset() */
  get lastUnset(): number | undefined {
    return this.complement().last;
  }

  /** The first member after an index, or `undefined`. -1 gives the very first. @see hwloc_bitmap_next() */
  next(index: number): number | undefined {
    return bitsets.firstFrom(this.#bits, index === -1 ? 0 : bitsets.checkIndex(index) + 1);
  }

  /**
   * The first index after an index that is not a member. -1 gives the very first. @see
   * hwloc_bitmap_next_unset()
   */
  nextUnset(index: number): number | undefined {
    return this.complement().next(index);
  }

  /** Whether an index is a member. @see hwloc_bitmap_isset() */
  has(index: number): boolean {
    return bitsets.has(this.#bits, bitsets.checkIndex(index));
  }

  /** This set plus some indexes. @see hwloc_bitmap_set() */
  with(...indexes: readonly number[]): this {
    return this.#or(bitsets.fromIndexes(indexes));
  }

  /** This set without some indexes. @see hwloc_bitmap_clr() */
  without(...indexes: readonly number[]): this {
    return this.#andNot(bitsets.fromIndexes(indexes));
  }

  /**
   * This set plus a range, both ends included. Without a last index the range is infinite. @see
   * hwloc_bitmap_set_range()
   */
  withRange(first: number, last?: number): this {
    return this.#or(bitsets.fromRange(first, last));
  }

  /**
   * This set without a range, both ends included. Without a last index the range is infinite. @see
   * hwloc_bitmap_clr_range()
   */
  withoutRange(first: number, last?: number): this {
    return this.#andNot(bitsets.fromRange(first, last));
  }

  /** The members of this set, of the other set, or of both. @see hwloc_bitmap_or() */
  union(other: this): this {
    return this.#or(this.#same(other));
  }

  /** The members of both sets. @see hwloc_bitmap_and() */
  intersection(other: this): this {
    return this.#make(bitsets.combine(this.#bits, this.#same(other), (x, y) => x & y));
  }

  /** The members of this set that are not in the other set. @see hwloc_bitmap_andnot() */
  difference(other: this): this {
    return this.#andNot(this.#same(other));
  }

  /** The members of exactly one of the two sets. @see hwloc_bitmap_xor() */
  symmetricDifference(other: this): this {
    return this.#make(bitsets.combine(this.#bits, this.#same(other), (x, y) => x ^ y));
  }

  /** All indexes that are not in this set: infinite if this set is finite. @see hwloc_bitmap_not() */
  complement(): this {
    return this.#make(bitsets.complement(this.#bits));
  }

  /** The set of the lowest member only. A task bound to it does not migrate. @see hwloc_bitmap_singlify() */
  singlify(): this {
    const { first } = this;
    return this.#make(first === undefined ? bitsets.empty : bitsets.fromIndexes([first]));
  }

  /** @see hwloc_bitmap_isequal() */
  equals(other: this): boolean {
    return bitsets.equal(this.#bits, this.#same(other));
  }

  /**
   * Whether all members are also in the other set. Always true for the empty set. @see
   * hwloc_bitmap_isincluded()
   */
  isSubsetOf(other: this): boolean {
    return bitsets.included(this.#bits, this.#same(other));
  }

  /** Whether all members of the other set are in this one. @see hwloc_bitmap_isincluded() */
  isSupersetOf(other: this): boolean {
    return bitsets.included(this.#same(other), this.#bits);
  }

  /** Whether the two have no member in common. @see hwloc_bitmap_intersects(), its opposite */
  isDisjointFrom(other: this): boolean {
    return bitsets.disjoint(this.#bits, this.#same(other));
  }

  /** Whether the two have a member in common. @see hwloc_bitmap_intersects() */
  intersects(other: this): boolean {
    return !this.isDisjointFrom(other);
  }

  /**
   * Orders by the highest index: -1, 0 or 1, for `Array.prototype.sort`. The empty set is lowest.
   *
   * @see hwloc_bitmap_compare()
   */
  compare(other: this): number {
    return bitsets.compare(this.#bits, this.#same(other));
  }

  /**
   * Orders by the lowest index alone: -1, 0 or 1. The empty set is highest.
   *
   * @see hwloc_bitmap_compare_first()
   */
  compareFirst(other: this): number {
    this.#same(other);
    const difference = (this.first ?? Infinity) - (other.first ?? Infinity);
    return Number.isNaN(difference) ? 0 : Math.sign(difference);
  }

  /**
   * The members, ascending.
   *
   * @throws RangeError  for an infinite set, whose listing would not end: first take its intersection with a
   *   finite set
   * @see hwloc_bitmap_foreach_begin()
   */
  *[Symbol.iterator](): Generator<number, void, undefined> {
    if (this.isInfinite) throw new RangeError(`the infinite set ${this.toListString()} cannot be listed`);
    for (let i = this.first; i !== undefined; i = bitsets.firstFrom(this.#bits, i + 1)) yield i;
  }

  /** The members, ascending. @throws RangeError  for an infinite set */
  toArray(): number[] {
    return [...this];
  }

  /** The members as binary digits; negative for an infinite set. @see hwloc_bitmap_to_ulongs() */
  toBigInt(): bigint {
    return bitsets.toBigInt(this.#bits);
  }

  /** hwloc's own format, `0x0000000f,0xffffffff`, as the installed libhwloc writes it. @see hwloc_bitmap_snprintf() */
  toString(): string {
    return formatHwloc(this.#bits);
  }

  /** A list, `0-3,8,16-`; empty for the empty set. @see hwloc_bitmap_list_snprintf() */
  toListString(): string {
    return formatList(this.#bits);
  }

  /** One hexadecimal number, for taskset(1). @see hwloc_bitmap_taskset_snprintf() */
  toTasksetString(): string {
    return formatTaskset(this.#bits);
  }

  /** As a list, for `JSON.stringify`. */
  toJSON(): string {
    return this.toListString();
  }

  /** @internal For console.log() and util.inspect(). */
  [inspect.custom](): string {
    return `${this.constructor.name}(${this.toListString()})`;
  }

  #or(other: Bits): this {
    return this.#make(bitsets.combine(this.#bits, other, (x, y) => x | y));
  }

  #andNot(other: Bits): this {
    return this.#make(bitsets.combine(this.#bits, other, (x, y) => x & ~y));
  }

  #make(bits: Bits): this {
    return new (this.constructor as BitmapClass<this>)(bits);
  }

  #same(other: this): Bits {
    // The compiler checks this too; the error is for JavaScript callers.
    if (!(other instanceof Bitmap) || other.kind !== this.kind) {
      check('the other set', other, () => `a ${this.constructor.name}: CPUs and nodes cannot be mixed`);
    }
    return other.#bits;
  }
}

/** A set of CPUs, by the OS indexes of PUs. @see hwloc_cpuset_t */
export class CpuSet extends Bitmap {
  override readonly kind = 'cpuset';
}

/** A set of NUMA nodes, by their OS indexes. @see hwloc_nodeset_t */
export class NodeSet extends Bitmap {
  override readonly kind = 'nodeset';
}
