// Sets of bits as plain values, finite or infinite: the arithmetic of CpuSet and NodeSet.

import { shown } from '../../check/index.js';

/**
 * A set of bit indexes. Bit `i` is bit `i % 32` of word `i / 32`. `infinite` gives the value of all bits
 * after the last word.
 *
 * Always in shortest form (the last word differs from the bits that follow), so that equal sets have equal
 * words.
 */
export class Bits {
  // A class, so that a set can refuse values that were made elsewhere.
  constructor(
    /** Whole numbers from 0 to 2^32 - 1. Frozen. */
    readonly words: readonly number[],
    readonly infinite: boolean,
  ) {}
}

/**
 * The highest index allowed, 67,108,863: a set takes 8 MB at most. Linux supports 8,192 CPUs and 1,024 nodes.
 */
export const maxIndex = 2 ** 26 - 1;

const fullWord = 0xffff_ffff;

export const empty = new Bits(Object.freeze([]), false);
export const full = new Bits(Object.freeze([]), true);

/** Shortens words to the shortest form. Changes and freezes the array. */
export function bitsOf(words: number[], infinite: boolean): Bits {
  const behind = infinite ? fullWord : 0;
  while (words.length > 0 && words[words.length - 1] === behind) words.pop();
  return new Bits(Object.freeze(words), infinite);
}

/** So many words of zeros. */
export function zeros(count: number): number[] {
  return new Array<number>(count).fill(0);
}

/** The word at a position, also after the last word. */
export function wordOf(bits: Bits, position: number): number {
  return bits.words[position] ?? (bits.infinite ? fullWord : 0);
}

/** @throws RangeError  not a whole number from 0 to {@link maxIndex} */
export function checkIndex(index: number): number {
  if (Number.isInteger(index) && index >= 0 && index <= maxIndex) return index;
  throw new RangeError(`${shown(index)} is not an index of a bit; use a whole number from 0 to ${maxIndex}`);
}

export function fromIndexes(indexes: Iterable<number>): Bits {
  const list = Array.from(indexes, checkIndex);
  const words = zeros(list.length === 0 ? 0 : (list.reduce((a, b) => Math.max(a, b)) >>> 5) + 1);
  for (const index of list) words[index >>> 5] = ((words[index >>> 5] ?? 0) | (1 << (index & 31))) >>> 0;
  return bitsOf(words, false);
}

/** The range `[first, last]`, both included. Without `last` the range is infinite. */
export function fromRange(first: number, last?: number): Bits {
  checkIndex(first);
  if (last !== undefined && checkIndex(last) < first) return empty;
  const words = zeros(((last ?? first) >>> 5) + 1);
  words.fill(fullWord, first >>> 5);
  words[first >>> 5] = (fullWord << (first & 31)) >>> 0;
  if (last !== undefined) {
    words[last >>> 5] = ((words[last >>> 5] ?? 0) & (fullWord >>> (31 - (last & 31)))) >>> 0;
  }
  return bitsOf(words, last === undefined);
}

/** Applies a bitwise operation to all words of two sets, and to the bits after the words. */
export function combine(a: Bits, b: Bits, operation: (x: number, y: number) => number): Bits {
  const words = zeros(Math.max(a.words.length, b.words.length));
  for (let i = 0; i < words.length; i++) words[i] = operation(wordOf(a, i), wordOf(b, i)) >>> 0;
  return bitsOf(words, (operation(a.infinite ? 1 : 0, b.infinite ? 1 : 0) & 1) === 1);
}

export function complement(bits: Bits): Bits {
  return bitsOf(
    bits.words.map((word) => ~word >>> 0),
    !bits.infinite,
  );
}

export function has(bits: Bits, index: number): boolean {
  return ((wordOf(bits, index >>> 5) >>> (index & 31)) & 1) === 1;
}

/** The first member at or after an index, or `undefined`. */
export function firstFrom(bits: Bits, from: number): number | undefined {
  const { words, infinite } = bits;
  for (let i = from >>> 5; i < words.length; i++) {
    const mask = i === from >>> 5 ? fullWord << (from & 31) : fullWord;
    const word = (words[i] ?? 0) & mask;
    if (word !== 0) return i * 32 + lowest(word);
  }
  return infinite ? Math.max(from, words.length * 32) : undefined;
}

/** The highest member, or `undefined` if there is none; `Infinity` for an infinite set. */
export function last(bits: Bits): number | undefined {
  if (bits.infinite) return Infinity;
  const { words } = bits;
  // In shortest form, the last word of a finite set is not empty.
  const top = words[words.length - 1];
  return top === undefined ? undefined : words.length * 32 - 1 - Math.clz32(top);
}

/** The number of members; `Infinity` for an infinite set. */
export function weight(bits: Bits): number {
  if (bits.infinite) return Infinity;
  let total = 0;
  for (const word of bits.words) total += population(word);
  return total;
}

export function equal(a: Bits, b: Bits): boolean {
  if (a.infinite !== b.infinite || a.words.length !== b.words.length) return false;
  return a.words.every((word, i) => word === b.words[i]);
}

export function disjoint(a: Bits, b: Bits): boolean {
  if (a.infinite && b.infinite) return false;
  for (let i = Math.max(a.words.length, b.words.length) - 1; i >= 0; i--) {
    if ((wordOf(a, i) & wordOf(b, i)) !== 0) return false;
  }
  return true;
}

export function included(part: Bits, whole: Bits): boolean {
  if (part.infinite && !whole.infinite) return false;
  for (let i = Math.max(part.words.length, whole.words.length) - 1; i >= 0; i--) {
    if ((wordOf(part, i) & ~wordOf(whole, i)) !== 0) return false;
  }
  return true;
}

/** Compares two sets as binary numbers: -1, 0 or 1. */
export function compare(a: Bits, b: Bits): number {
  if (a.infinite !== b.infinite) return a.infinite ? 1 : -1;
  for (let i = Math.max(a.words.length, b.words.length) - 1; i >= 0; i--) {
    const difference = wordOf(a, i) - wordOf(b, i);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}

/** The bits of an integer. A negative integer has infinitely many, as in two's complement. */
export function fromBigInt(value: bigint): Bits {
  const infinite = value < 0n;
  let rest = infinite ? ~value : value;
  const words: number[] = [];
  for (; rest !== 0n; rest >>= 32n) {
    checkIndex(words.length * 32);
    words.push(Number(rest & 0xffff_ffffn));
  }
  const bits = bitsOf(words, false);
  return infinite ? complement(bits) : bits;
}

export function toBigInt(bits: Bits): bigint {
  if (bits.infinite) return ~toBigInt(complement(bits));
  const hex = Array.from(bits.words, (word) => word.toString(16).padStart(8, '0')).reverse();
  return hex.length === 0 ? 0n : BigInt(`0x${hex.join('')}`);
}

function lowest(word: number): number {
  return 31 - Math.clz32(word & -word);
}

function population(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const nibbles = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
