// What is ours alone: two types that cannot be mixed, indexes that are checked, texts that are read strictly.

import { inspect } from 'node:util';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  formatHwloc,
  formatList,
  formatTaskset,
  parseHwloc,
  parseList,
  parseTaskset,
} from '../../../src/hwloc/bitmap/formats.js';
import { CpuSet, InvalidArgumentError, NodeSet } from '../../../src/hwloc/index.js';
import { NativeBitmap } from '../support/native-bitmap.js';

describe('CpuSet and NodeSet', () => {
  test('cannot be mixed, neither for the compiler nor at run time', () => {
    const cpus = CpuSet.of(0, 1);
    const nodes = NodeSet.of(0, 1);
    expectTypeOf(cpus).not.toExtend<NodeSet>();
    expectTypeOf(nodes).not.toExtend<CpuSet>();
    const untyped = cpus as { union(set: unknown): unknown; equals(set: unknown): unknown };
    expect(() => untyped.union(nodes)).toThrow(InvalidArgumentError);
    expect(() => untyped.equals(nodes)).toThrow(/cannot be mixed/);
  });

  test('keep their class through all operations', () => {
    const nodes = NodeSet.range(0, 3);
    for (const set of [nodes.complement(), nodes.union(NodeSet.full()), nodes.without(2), nodes.singlify()]) {
      expect(set).toBeInstanceOf(NodeSet);
    }
  });

  test('print as what they are', () => {
    expect(inspect(CpuSet.parseList('0-3,8,16-'))).toBe('CpuSet(0-3,8,16-)');
    expect(inspect({ nodes: NodeSet.empty() })).toBe('{ nodes: NodeSet() }');
    expect(JSON.stringify({ cpus: CpuSet.of(5, 6) })).toBe('{"cpus":"5-6"}');
    expect(String(CpuSet.of(0))).toBe('0x00000001');
  });

  test('come from and go to arrays and bigints', () => {
    expect(CpuSet.from([5, 1, 5]).toArray()).toEqual([1, 5]);
    expect(CpuSet.from(new Set([2])).toBigInt()).toBe(4n);
    expect(CpuSet.from(-1n).isFull).toBe(true);
    expect(CpuSet.from(-4n).toListString()).toBe('2-');
    expect(CpuSet.full().toBigInt()).toBe(-1n);
    expect(CpuSet.from(1n << 200n).first).toBe(200);
  });

  test('order as Array.sort expects', () => {
    const sets = ['8', '0-3', '', '4-', '1'].map((text) => CpuSet.parseList(text));
    expect([...sets].sort((a, b) => a.compare(b)).map(String)).toEqual(
      ['', '1', '0-3', '8', '4-'].map((text) => CpuSet.parseList(text).toString()),
    );
    expect([...sets].sort((a, b) => a.compareFirst(b)).map((set) => set.toListString())).toEqual([
      '0-3',
      '1',
      '4-',
      '8',
      '',
    ]);
  });

  test.each([-1, 1.5, NaN, Infinity, 2 ** 26])('%s is not an index', (index) => {
    expect(() => CpuSet.of(index)).toThrow(RangeError);
    expect(() => CpuSet.empty().has(index)).toThrow(RangeError);
    expect(() => CpuSet.range(index)).toThrow(RangeError);
    expect(() => CpuSet.parseList(String(index))).toThrow();
  });

  test('a range that ends before it begins is empty, as in libhwloc', () => {
    expect(CpuSet.range(5, 3).isEmpty).toBe(true);
    expect(CpuSet.of(1).withRange(5, 3).toListString()).toBe('1');
  });
});

describe('texts that are not sets', () => {
  const texts = {
    parse: [
      '',
      '0x',
      '0xg',
      '0-3',
      ',',
      ',,1',
      '0x1,',
      '0x1 ',
      '0x123456789',
      '-1',
      'f...f',
      '0xf...f0',
      '0x1,,0xzz',
    ],
    parseList: ['-', 'a', '1a', '1-a', '5-3', '1-2-3', '010', '0 ', '1,2 3', '2-,3', '-1', '1.5', '0x'],
    parseTaskset: ['', '0x', 'xyz', '0x1,0', '0xf...fg', '0x1 ', '-1'],
  } as const;

  test.each(Object.entries(texts).flatMap(([name, list]) => list.map((text) => [name, text] as const)))(
    '%s(%j) throws a SyntaxError',
    (name, text) => {
      expect(() => CpuSet[name as keyof typeof texts](text)).toThrow(SyntaxError);
    },
  );

  test('a huge text is refused, and not shown in full', () => {
    expect(() => CpuSet.parseList(`0-${'9'.repeat(1000)}`)).toThrow(RangeError);
    expect(() => CpuSet.parse('0x1,'.repeat(2_200_000))).toThrow(/^.{1,200}$/);
  });
});

describe('texts that libhwloc reads, too', () => {
  test.each([
    ['parse', '', '1'],
    ['parse', '', 'abc'],
    ['parse', '', 'ffffffff,0000000f'],
    ['parse', '', '0xf...f,0x0'],
    ['parse', '', '0xf...f,0x0,0xffffffff'],
    ['parse', '', '0xf...f,,0xfffffffe'],
    ['parse', '', '0x00000001,,0x0'],
    ['parseList', 'list_', ''],
    ['parseList', 'list_', '1,,2'],
    ['parseList', 'list_', ',1'],
    ['parseList', 'list_', '1,'],
    ['parseList', 'list_', '0x10'],
    ['parseList', 'list_', '3-'],
    ['parseList', 'list_', '0,2,4-'],
    ['parseTaskset', 'taskset_', 'ff'],
    ['parseTaskset', 'taskset_', '0x00000000000000001'],
    ['parseTaskset', 'taskset_', '0xf...f0'],
    ['parseTaskset', 'taskset_', '0xf...ffffffffffffffff0'],
  ] as const)('%s gives the same as hwloc_bitmap_%ssscanf for %j', (name, format, text) => {
    const theirs = new NativeBitmap();
    expect(theirs.read(format, text)).toBe(true);
    expect(CpuSet[name](text).toString()).toBe(theirs.text(''));
    theirs.free();
  });
});

// Recorded from hwloc 2.9 (words) and from 2.12 and 2.15 (digits). The tests above compare with the libhwloc at hand alone.
describe('texts of infinite sets, in the two ways of hwloc', () => {
  test.each([
    ['0-', '0xf...f', '0xf...f', '0xf...f', '0xf...f'],
    [
      '1-',
      '0xf...f,0xffffffff,0xfffffffe',
      '0xf...f,0xfffffffe',
      '0xf...ffffffffffffffffe',
      '0xf...ffffffffe',
    ],
    ['32-', '0xf...f,0xffffffff,0x0', '0xf...f,0x0', '0xf...fffffffff00000000', '0xf...f00000000'],
    [
      '63-',
      '0xf...f,0x80000000,0x0',
      '0xf...f,0x80000000,0x0',
      '0xf...f8000000000000000',
      '0xf...f8000000000000000',
    ],
    ['64-', '0xf...f,,0x0', '0xf...f,,0x0', '0xf...f0000000000000000', '0xf...f0000000000000000'],
    [
      '1-31,64-',
      '0xf...f,,0xfffffffe',
      '0xf...f,,0xfffffffe',
      '0xf...f00000000fffffffe',
      '0xf...f00000000fffffffe',
    ],
    [
      '1-63,96-',
      '0xf...f,0xffffffff,,0xffffffff,0xfffffffe',
      '0xf...f,,0xffffffff,0xfffffffe',
      '0xf...fffffffff00000000fffffffffffffffe',
      '0xf...f00000000fffffffffffffffe',
    ],
  ])('%s is written as hwloc 2.9 and 2.12 write it, and both read it back', (list, ...texts) => {
    const bits = parseList(list);
    const [words, digits, tasksetWords, tasksetDigits] = texts;
    expect(formatHwloc(bits, 'words')).toBe(words);
    expect(formatHwloc(bits, 'digits')).toBe(digits);
    expect(formatTaskset(bits, 'words')).toBe(tasksetWords);
    expect(formatTaskset(bits, 'digits')).toBe(tasksetDigits);
    expect(parseHwloc(words, 'words')).toEqual(bits);
    expect(parseHwloc(digits, 'digits')).toEqual(bits);
    expect(parseTaskset(tasksetWords, 'words')).toEqual(bits);
    expect(parseTaskset(tasksetDigits, 'digits')).toEqual(bits);
    // What is written in whole words means the same in both.
    expect(parseHwloc(words, 'digits')).toEqual(bits);
    expect(parseTaskset(tasksetWords, 'digits')).toEqual(bits);
  });

  test.each([
    ['0xf...f,0xfffffffe', '1-31,64-', '1-'],
    ['0xf...f,0x1,0x0,0x1', '0,64,128-', '0,64,96-'],
    ['0xf...f,0xffffffff,0x1', '0,32-', '0,32-'],
  ])('%s means %s up to hwloc 2.10, and %s from 2.11 on', (text, words, digits) => {
    expect(formatList(parseHwloc(text, 'words'))).toBe(words);
    expect(formatList(parseHwloc(text, 'digits'))).toBe(digits);
  });

  test.each([
    ['0xf...f0', '64-', '4-'],
    ['0xf...fe', '1-3,64-', '1-'],
    ['0xf...f0000000f0', '4-7,64-', '4-7,36-'],
  ])('%s of taskset means %s up to hwloc 2.10, and %s from 2.11 on', (text, words, digits) => {
    expect(formatList(parseTaskset(text, 'words'))).toBe(words);
    expect(formatList(parseTaskset(text, 'digits'))).toBe(digits);
  });
});
