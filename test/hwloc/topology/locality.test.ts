// Finding objects by what is near them: against the definitions, applied to all objects one by one.

import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  CpuSet,
  NodeSet,
  type Topology,
  type TopologyObject,
  loadTopology,
} from '../../../src/hwloc/index.js';
import { installed } from '../../support/programs.js';
import { haveMachines, loadAsLstopo, machine } from '../support/machines.js';

const synthetic = 'pack:2 [numa(memory=1GB)] die:2 l3:1 [numa(memory=2GB)] core:3 pu:2';
let topology: Topology;

beforeAll(async () => {
  topology = await loadTopology({ source: { synthetic } });
});
afterAll(() => {
  topology.close();
});

/** A set of CPUs of the machine (0-23), or partly outside of it. */
const cpus = fc
  .uniqueArray(fc.integer({ min: 0, max: 26 }), { maxLength: 12 })
  .map((list) => CpuSet.from(list));
const types = fc.constantFrom('Machine', 'Package', 'Die', 'L3Cache', 'Core', 'PU', 'NUMANode' as const);
const normal = () => [...topology].filter(({ childKind }) => childKind === 'normal');
const setOf = ({ cpuset }: TopologyObject) => cpuset ?? CpuSet.empty();

describe('inside a set of CPUs', () => {
  test('are the objects of a type, or at a depth, that have only CPUs of it', () => {
    fc.assert(
      fc.property(cpus, types, (set, type) => {
        const expected = topology.objects(type).filter((object) => setOf(object).isSubsetOf(set));
        expect(topology.objectsInside(set, type)).toEqual(expected);
        const depth = topology.typeDepth(type);
        if (typeof depth === 'number') expect(topology.objectsInside(set, depth)).toEqual(expected);
        for (const object of topology.objects(type)) {
          const index = expected.indexOf(object);
          expect(topology.indexInside(set, object)).toBe(index === -1 ? undefined : index);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('the largest objects make up the set exactly, and none of their parents does not spill', () => {
    fc.assert(
      fc.property(cpus, (set) => {
        if (!set.isSubsetOf(topology.cpuset)) {
          expect(() => topology.largestInside(set)).toThrow(/EINVAL/);
          return;
        }
        const largest = topology.largestInside(set);
        const all = largest.reduce((sum, object) => sum.union(setOf(object)), CpuSet.empty());
        expect(all.equals(set)).toBe(true);
        for (const { parent } of largest) {
          if (parent !== undefined) expect(setOf(parent).isSubsetOf(set)).toBe(false);
        }
        const first = topology.firstLargestInside(set);
        if (set.isEmpty) expect(first).toBeUndefined();
        else expect(largest).toContain(first);
      }),
      { numRuns: 100 },
    );
  });
});

describe('covering a set of CPUs', () => {
  test('is the lowest object that has them all', () => {
    fc.assert(
      fc.property(cpus, (set) => {
        const covering = normal().filter((object) => set.isSubsetOf(setOf(object)));
        const lowest = set.isEmpty ? undefined : covering.at(-1);
        expect(topology.objectCovering(set)).toBe(lowest);
        const cache = [...(lowest?.ancestors() ?? [])].find(({ type }) => type === 'L3Cache');
        expect(topology.cacheCovering(set)).toBe(lowest?.type === 'L3Cache' ? lowest : cache);
      }),
      { numRuns: 100 },
    );
  });

  test('are the objects of a type that have some of them', () => {
    fc.assert(
      fc.property(cpus, types, (set, type) => {
        const expected = topology.objects(type).filter((object) => setOf(object).intersects(set));
        expect(topology.objectsCovering(set, type)).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  test('nodes have CPUs, and CPUs have nodes', () => {
    fc.assert(
      fc.property(cpus, (set) => {
        const nodes = topology.objects('NUMANode').filter((node) => setOf(node).intersects(set));
        expect(topology.nodesOf(set).equals(NodeSet.from(nodes.map(({ osIndex = 0 }) => osIndex)))).toBe(
          true,
        );
      }),
    );
    expect(topology.cpusOf(topology.nodeset).equals(topology.cpuset)).toBe(true);
    expect(topology.cpusOf(NodeSet.empty()).isEmpty).toBe(true);
    expect(topology.cpusOf(NodeSet.full()).equals(topology.cpuset)).toBe(true);
  });
});

describe('near an object', () => {
  const core = () => topology.objects('Core')[7];

  test('are its ancestors, by type and by depth', () => {
    const object = core();
    expect([...(object?.ancestors() ?? [])].map(({ type }) => type)).toEqual([
      'L3Cache',
      'Die',
      'Package',
      'Machine',
    ]);
    expect(object?.ancestor('Package')).toBe(topology.objects('Package')[1]);
    expect(object?.ancestor('Core')).toBeUndefined();
    expect(object?.ancestorAtDepth(0)).toBe(topology.root);
    expect(object?.ancestorAtDepth(object.depth)).toBe(object);
    expect(object?.ancestorAtDepth(object.depth + 1)).toBeUndefined();
  });

  test('is the common ancestor with any other object', () => {
    const all = [...topology];
    for (const one of all) {
      for (const other of all) {
        const above = new Set([one, ...one.ancestors()]);
        const expected = [other, ...other.ancestors()].find((each) => above.has(each));
        expect(one.commonAncestor(other)).toBe(expected);
      }
    }
  });

  test('are the other objects of its level, the closest first', () => {
    const object = core();
    if (object === undefined) throw new Error('no core');
    const closest = topology.closest(object);
    expect(new Set(closest)).toEqual(new Set(topology.objects('Core').filter((each) => each !== object)));
    const distances = closest.map((each) => object.commonAncestor(each).depth);
    expect(distances).toEqual([...distances].sort((a, b) => b - a));
    expect(topology.closest(object, 2)).toEqual(closest.slice(0, 2));
    expect(topology.closest(topology.root)).toEqual([]);
    for (const node of topology.objects('NUMANode')) expect(topology.closest(node)).toEqual([]);
  });

  test('is the object of another type with the same locality', () => {
    for (const die of topology.objects('Die')) {
      expect(topology.sameLocality(die, 'L3Cache')).toBe(die.children[0]);
      expect(topology.sameLocality(die, 'Package')).toBeUndefined();
      expect(topology.sameLocality(die, 'L3Cache', { subtype: 'Other' })).toBeUndefined();
    }
  });

  test('are the NUMA nodes that are local to it', () => {
    const die = topology.objects('Die')[2];
    if (die === undefined) throw new Error('no die');
    const nodes = topology.objects('NUMANode');
    const same = nodes.filter((node) => setOf(node).equals(setOf(die)));
    const larger = nodes.filter((node) => setOf(node).isSupersetOf(setOf(die)));
    expect(topology.localNumaNodes(die)).toEqual(same);
    expect(topology.localNumaNodes(setOf(die))).toEqual(same);
    expect(topology.localNumaNodes(die, { larger: true })).toEqual(larger);
    expect(larger).toHaveLength(2);
    expect(topology.localNumaNodes(topology.root, { smaller: true })).toEqual(nodes);
    expect(topology.localNumaNodes(CpuSet.of(0))).toEqual([]);
    expect(topology.localNumaNodes(CpuSet.of(0), { all: true })).toEqual(nodes);
  });

  test('is the cache that it shares with others', () => {
    expect(core()?.sharedCache?.type).toBe('L3Cache');
    expect(topology.objects('Die')[0]?.sharedCache).toBeUndefined();
  });

  test('are its children, and what is below them', () => {
    const [first] = topology.objects('Package');
    expect(first?.childCovering(CpuSet.of(0, 1))).toBe(topology.objects('Die')[0]);
    expect(first?.childCovering(CpuSet.of(0, 23))).toBeUndefined();
    expect(first?.childCovering(CpuSet.empty())).toBeUndefined();
    expect(core()?.isInSubtree(topology.root)).toBe(true);
    expect(core()?.isInSubtree(first as TopologyObject)).toBe(false);
    expect(topology.objectBelow(['Package', 1], ['Die', 0], ['Core', 2])).toBe(topology.objects('Core')[8]);
    expect(topology.objectBelow(['Package', 2])).toBeUndefined();
    expect([...(first?.walk() ?? [])]).toHaveLength(1 + 1 + 2 * (1 + 1 + 1 + 3 + 6));
  });

  test('one PU of each core', () => {
    expect(topology.singlifyPerCore(topology.cpuset).size).toBe(12);
    expect(topology.singlifyPerCore(CpuSet.of(0, 1, 2, 3), 1).toListString()).toBe('1,3');
    expect(topology.singlifyPerCore(topology.cpuset, 2).isEmpty).toBe(true);
  });
});

installed('hwloc-distrib').describe('distribute', () => {
  const distrib = (source: string, count: number, ...options: string[]) =>
    execFileSync(
      'hwloc-distrib',
      ['--if', source.endsWith('.xml') ? 'xml' : 'synthetic', '-i', source, ...options, String(count)],
      {
        encoding: 'utf8',
      },
    )
      .trim()
      .split('\n')
      .map((line) => CpuSet.parse(line).toListString());
  const lists = (sets: readonly CpuSet[]) => sets.map((set) => set.toListString());

  test.each([1, 2, 3, 4, 5, 7, 12, 24, 25, 100])(
    'gives %d items the same places as hwloc-distrib',
    (count) => {
      expect(lists(topology.distribute(count))).toEqual(distrib(synthetic, count));
      expect(lists(topology.distribute(count, { reverse: true }))).toEqual(
        distrib(synthetic, count, '--reverse'),
      );
    },
  );

  test.skipIf(!haveMachines)('gives the same places on an uneven machine', async () => {
    const { environment, dispose } = machine('16amd64-8n2c-cpusets').prepare();
    const uneven = await loadAsLstopo(environment);
    for (const count of [2, 3, 5, 11, 40]) {
      expect(lists(uneven.distribute(count))).toEqual(distrib(environment.HWLOC_XMLFILE ?? '', count));
    }
    uneven.close();
    dispose();
  });

  test('stays below some roots, and above a depth', () => {
    const [first] = topology.objects('Package');
    if (first === undefined) throw new Error('no package');
    const sets = topology.distribute(4, { roots: [first], until: first.depth + 1 });
    expect(lists(sets)).toEqual(['0-5', '0-5', '6-11', '6-11']);
    expect(lists(topology.distribute(1, { roots: topology.objects('NUMANode').slice(0, 1) }))).toHaveLength(
      1,
    );
  });

  test('splits nothing below a type', () => {
    const within = (until: 'Package' | 'Die' | 'L2Cache' | 'PU') => lists(topology.distribute(8, { until }));
    expect(within('Package')).toEqual([...Array<string>(4).fill('0-11'), ...Array<string>(4).fill('12-23')]);
    expect(within('Die')).toEqual(['0-5', '0-5', '6-11', '6-11', '12-17', '12-17', '18-23', '18-23']);
    // There is none: down to the next smaller objects, which are cores.
    expect(within('L2Cache')).toEqual(
      lists(topology.distribute(8, { until: topology.typeOrBelowDepth('Core') as number })),
    );
    expect(within('PU')).toEqual(lists(topology.distribute(8)));
    expect(() => topology.distribute(2, { until: 'NUMANode' as 'PU' })).toThrow(
      /until: 'NUMANode' .* use 'Machine'/,
    );
  });

  test('does not guess the depth of groups that are at several', async () => {
    const grouped = await loadTopology({ source: { synthetic: 'group:2 group:2 pu:2' } });
    expect(grouped.typeDepth('Group')).toBe('multiple');
    expect(() => grouped.distribute(2, { until: 'Group' })).toThrow(
      "topology.distribute({ until: 'Group' }): Group objects are at several depths; give one of the depths",
    );
    grouped.close();
  });

  test('takes 0 items, and no others than whole numbers', () => {
    expect(topology.distribute(0)).toEqual([]);
    expect(() => topology.distribute(-1)).toThrow(RangeError);
    expect(() => topology.distribute(1.5)).toThrow(RangeError);
    expect(() => topology.distribute(1, { roots: [] })).toThrow(RangeError);
  });
});
