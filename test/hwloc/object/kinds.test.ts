// What the types say of objects, and that it is so: which have sets, and what each test of a kind leaves of the union.

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import {
  type CacheAttributes,
  type CpuSet,
  type DataCacheObject,
  type InstructionCacheObject,
  type IoObject,
  type MemoryObject,
  type MiscObject,
  type NodeSet,
  type NormalObject,
  type Topology,
  type TopologyObject,
  isCache,
  isDataCache,
  isInstructionCache,
  isIo,
  isMemory,
  isNormal,
  loadTopology,
} from '../../../src/hwloc/index.js';
import { lstopoFilters } from '../support/machines.js';

let topology: Topology;
beforeAll(async () => {
  const xmlFile = join(import.meta.dirname, '../fixtures/devices.xml');
  topology = await loadTopology({ source: { xmlFile }, io: 'all', filters: lstopoFilters });
});
afterAll(() => {
  topology.close();
});

describe('sets', () => {
  test('are always there for objects of the main tree and of memory', () => {
    expectTypeOf<NormalObject['cpuset']>().toEqualTypeOf<CpuSet>();
    expectTypeOf<MemoryObject['completeNodeset']>().toEqualTypeOf<NodeSet>();
    expectTypeOf<IoObject['cpuset']>().toEqualTypeOf<undefined>();
    expectTypeOf<MiscObject['nodeset']>().toEqualTypeOf<undefined>();
    expectTypeOf<TopologyObject['cpuset']>().toEqualTypeOf<CpuSet | undefined>();
    expectTypeOf(topology.objects('Core')).items.toHaveProperty('cpuset').toEqualTypeOf<CpuSet>();
    expectTypeOf(topology.root.nodeset).toEqualTypeOf<NodeSet>();
    const kinds = { normal: 0, memory: 0, io: 0, misc: 0 };
    for (const object of topology) {
      const { cpuset, completeCpuset, nodeset, completeNodeset, childKind } = object;
      const hasSets = childKind === 'normal' || childKind === 'memory';
      for (const set of [cpuset, completeCpuset, nodeset, completeNodeset]) {
        expect(set !== undefined, object.label).toBe(hasSets);
      }
      kinds[childKind]++;
    }
    expect(Object.values(kinds).every((count) => count > 3)).toBe(true);
  });

  test('are known to be there once the kind of an object is', () => {
    for (const object of topology) {
      if (object.childKind === 'normal') expectTypeOf(object).toEqualTypeOf<NormalObject>();
      if (object.childKind === 'memory') expectTypeOf(object.cpuset).toEqualTypeOf<CpuSet>();
      if (object.type === 'Group') expectTypeOf(object.cpuset).toEqualTypeOf<CpuSet>();
      if (object.childKind === 'misc') expectTypeOf(object).toEqualTypeOf<MiscObject>();
    }
  });
});

describe('isNormal(), isCache() and the others', () => {
  test('take an object, and leave what it can be', () => {
    const found = { normal: 0, memory: 0, io: 0, cache: 0, data: 0, instruction: 0 };
    for (const object of topology) {
      if (isNormal(object)) expectTypeOf(object).toEqualTypeOf<NormalObject>();
      if (isMemory(object)) expectTypeOf(object).toEqualTypeOf<MemoryObject>();
      if (isIo(object)) expectTypeOf(object).toEqualTypeOf<IoObject>();
      if (isCache(object)) {
        expectTypeOf(object).toEqualTypeOf<DataCacheObject | InstructionCacheObject>();
        expectTypeOf(object.attributes).toEqualTypeOf<CacheAttributes>();
        expect(object.attributes.size).toBeGreaterThan(0);
      }
      if (isDataCache(object)) expectTypeOf(object).toEqualTypeOf<DataCacheObject>();
      found.normal += Number(isNormal(object));
      found.memory += Number(isMemory(object));
      found.io += Number(isIo(object));
      found.cache += Number(isCache(object));
      found.data += Number(isDataCache(object));
      found.instruction += Number(isInstructionCache(object));
      expect(isNormal(object), object.label).toBe(isNormal(object.type));
      expect(isIo(object), object.label).toBe(object.childKind === 'io');
    }
    const { length } = [...topology].filter(({ childKind }) => childKind === 'normal');
    expect(found).toEqual({ normal: length, memory: 4, io: found.io, cache: 2, data: 2, instruction: 0 });
  });

  test('children have the kind of their list', () => {
    expectTypeOf(topology.root.children).toEqualTypeOf<readonly NormalObject[]>();
    expectTypeOf(topology.root.memoryChildren).toEqualTypeOf<readonly MemoryObject[]>();
    expectTypeOf(topology.root.ioChildren).toEqualTypeOf<readonly IoObject[]>();
    expectTypeOf(topology.root.miscChildren).toEqualTypeOf<readonly MiscObject[]>();
    expectTypeOf(topology.objectCovering(topology.cpuset)).toEqualTypeOf<NormalObject | undefined>();
    expectTypeOf(topology.root.sharedCache).toEqualTypeOf<DataCacheObject | undefined>();
  });
});
