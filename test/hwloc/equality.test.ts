// Equality as other programs see it: sets are equal by their members, objects and topologies only to themselves.

import assert from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CpuSet, NodeSet, type Topology, loadTopology } from '../../src/hwloc/index.js';
import { adoptCopy } from './support/adopt.js';

describe('two sets', () => {
  test('of different members are told apart by assert, by util and by vitest', () => {
    expect(() => {
      assert.deepStrictEqual(CpuSet.of(1), CpuSet.of(2));
    }).toThrow(assert.AssertionError);
    assert.notDeepStrictEqual(CpuSet.range(3), CpuSet.range(4));
    expect(isDeepStrictEqual({ cpus: CpuSet.of(1) }, { cpus: CpuSet.of(1, 40) })).toBe(false);
    expect([CpuSet.of(1)]).not.toEqual([CpuSet.of(2)]);
    expect(CpuSet.empty()).not.toEqual(CpuSet.of(0));
  });

  test('of the same members are equal, however they were made', () => {
    for (const set of [
      CpuSet.parseList('0-3,64'),
      CpuSet.from((1n << 64n) | 15n),
      CpuSet.full().intersection(CpuSet.of(0, 1, 2, 3, 64)),
    ]) {
      assert.deepStrictEqual(set, CpuSet.of(64, 3, 2, 1, 0));
      expect(set).toEqual(CpuSet.of(64, 3, 2, 1, 0));
      expect(set).toStrictEqual(CpuSet.of(64, 3, 2, 1, 0));
    }
    assert.deepStrictEqual(CpuSet.of(0).complement(), CpuSet.range(1));
  });

  test('of CPUs and of nodes are never equal', () => {
    assert.notDeepStrictEqual(CpuSet.of(1), NodeSet.of(1));
    expect(CpuSet.of(1)).not.toEqual(NodeSet.of(1));
  });

  test('are equal for util.isDeepStrictEqual() exactly if they are for equals()', () => {
    const list = fc.array(fc.integer({ min: 0, max: 70 }), { maxLength: 3 });
    const set = fc.tuple(list, fc.boolean()).map(([indexes, isOpposite]) => {
      const finite = CpuSet.from(indexes);
      return isOpposite ? finite.complement() : finite;
    });
    fc.assert(
      fc.property(set, set, (one, other) => isDeepStrictEqual(one, other) === one.equals(other)),
      { numRuns: 2000 },
    );
  });
});

describe('the fields by which sets are compared', () => {
  test('cannot be changed', () => {
    const set = CpuSet.of(0, 40);
    expect(set.words).toEqual([1, 256]);
    expect(Object.isFrozen(set.words)).toBe(true);
    Reflect.set(set, 'words', [6]);
    expect(set.toListString()).toBe('0,40');
    expect(set.equals(CpuSet.of(0, 40))).toBe(true);
  });

  test('are made by this package alone', () => {
    const anyClass = CpuSet as unknown as new (bits: unknown) => CpuSet;
    for (const bits of [undefined, [1], { words: [',,1'], infinite: false }]) {
      expect(() => new anyClass(bits)).toThrow('use CpuSet.of(), .from() or .parseList()');
    }
  });
});

describe('two objects, topologies and attributes', () => {
  let topology: Topology;
  let copy: Topology;
  beforeAll(async () => {
    topology = await loadTopology({ source: { synthetic: 'pack:2 [numa] core:2 pu:2' } });
    copy = adoptCopy(topology);
  });
  afterAll(() => {
    copy.close();
    topology.close();
  });

  test('are told apart, in one topology and in two that look the same', () => {
    const [first, second] = topology.objects('Core');
    assert.deepStrictEqual([first], [topology.object('Core', 0)]);
    assert.notDeepStrictEqual(first, second);
    assert.notDeepStrictEqual(first, copy.object('Core', 0));
    expect(first).not.toEqual(second);
    expect(first).not.toEqual(copy.object('Core', 0));
    assert.notDeepStrictEqual(topology, copy);
    expect(topology).not.toEqual(copy);
  });

  test('are equal where they are the same attribute of the same topology', () => {
    assert.deepStrictEqual(topology.memoryAttribute('Capacity'), topology.memoryAttribute('Capacity'));
    assert.notDeepStrictEqual(topology.memoryAttribute('Capacity'), topology.memoryAttribute('Locality'));
    assert.notDeepStrictEqual(topology.memoryAttribute('Capacity'), copy.memoryAttribute('Capacity'));
  });

  test('are still told apart once their topology is closed', () => {
    const other = adoptCopy(topology);
    const [first, second] = other.objects('Core');
    other.close();
    assert.notDeepStrictEqual(first, second);
    expect(Object.prototype.toString.call(first)).toMatch(/^\[object TopologyObject \d+\.\d+\]$/);
  });
});
