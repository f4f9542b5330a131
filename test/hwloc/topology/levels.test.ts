// Finding objects by type, depth and index.

import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import {
  type CacheAttributes,
  type CoreObject,
  type Topology,
  type TopologyObject,
  loadTopology,
} from '../../../src/hwloc/index.js';
import { haveMachines, loadAsLstopo, machine } from '../support/machines.js';

let topology: Topology;

beforeAll(async () => {
  topology = await loadTopology({
    source: { synthetic: 'pack:2 [numa(memory=1GB)] l3:2 core:4 pu:2(indexes=core,pu)' },
  });
});
afterAll(() => {
  topology.close();
});

describe('by type', () => {
  test('objects() gives all in logical order, and the same JavaScript objects each time', () => {
    const cores = topology.objects('Core');
    expect(cores).toHaveLength(16);
    expect(cores.map((core) => core.logicalIndex)).toEqual([...Array(16).keys()]);
    expect(topology.objects('Core')[3]).toBe(cores[3]);
    expect(topology.object('Core', 3)).toBe(cores[3]);
    expect(topology.object('Core', 16)).toBeUndefined();
    expect(topology.objects('Die')).toEqual([]);
    expect(Object.isFrozen(cores)).toBe(true);
  });

  test('the type decides the type of the attributes', () => {
    expectTypeOf(topology.objects('Core')).toEqualTypeOf<readonly CoreObject[]>();
    expectTypeOf(topology.objects('L3Cache')[0]?.attributes).toEqualTypeOf<CacheAttributes | undefined>();
    const memory = (object: TopologyObject) =>
      object.type === 'NUMANode' ? object.attributes.localMemory : 0;
    expect([...topology].reduce((sum, object) => sum + memory(object), 0)).toBe(topology.root.totalMemory);
  });

  test('count(), typeDepth() and depthType() agree with the objects', () => {
    expect(topology.depth).toBe(5);
    for (const type of ['Machine', 'Package', 'L3Cache', 'Core', 'PU', 'NUMANode'] as const) {
      const depth = topology.typeDepth(type);
      expect(topology.count(type)).toBe(topology.objects(type).length);
      expect(depth).toBe(topology.objects(type)[0]?.depth);
      expect(topology.depthType(Number(depth))).toBe(type);
    }
    expect(topology.typeDepth('Die')).toBeUndefined();
    expect(topology.count('Die')).toBe(0);
    expect(topology.depthType(99)).toBeUndefined();
    expect(topology.memoryParentsDepth).toBe(1);
  });

  test('a missing type has a depth above and one below', () => {
    expect(topology.typeOrBelowDepth('L2Cache')).toBe(topology.typeDepth('Core'));
    expect(topology.typeOrAboveDepth('L2Cache')).toBe(topology.typeDepth('L3Cache'));
    expect(topology.typeOrBelowDepth('Core')).toBe(topology.typeDepth('Core'));
    expect(topology.typeOrAboveDepth('NUMANode')).toBe(topology.typeDepth('NUMANode'));
  });

  test.skipIf(!haveMachines)('groups at several depths are found together', async () => {
    const { environment, dispose } = machine('192em64t').prepare();
    const many = await loadAsLstopo(environment);
    const depths = [...Array(many.depth).keys()].filter((depth) => many.depthType(depth) === 'Group');
    const groups = many.objects('Group');
    expect(groups.map((group) => group.gpIndex)).toEqual(
      depths.flatMap((depth) => many.objectsAtDepth(depth).map((group) => group.gpIndex)),
    );
    expect(many.count('Group')).toBe(groups.length);
    if (depths.length > 1) expect(many.typeDepth('Group')).toBe('multiple');
    for (const group of groups) {
      const above = [...group.ancestors()].filter(({ type }) => type === 'Group');
      expect(group.attributes.depth).toBe(above.length);
    }
    many.close();
    dispose();
  });
});

describe('by index', () => {
  test('PUs and NUMA nodes by OS index', () => {
    for (const pu of topology.objects('PU')) expect(topology.puByOsIndex(pu.osIndex ?? -1)).toBe(pu);
    expect(topology.puByOsIndex(1)?.logicalIndex).not.toBe(1);
    expect(topology.numaNodeByOsIndex(1)).toBe(topology.objects('NUMANode')[1]);
    expect(topology.numaNodeByOsIndex(2)).toBeUndefined();
    expect(topology.objectByOsIndex('PU', 31)?.osIndex).toBe(31);
  });

  test('any object by its number', () => {
    for (const object of topology) expect(topology.objectByGpIndex(object.gpIndex)).toBe(object);
    expect(topology.objectByGpIndex(123456)).toBeUndefined();
  });
});

describe.skipIf(!haveMachines)('PCI devices', () => {
  let withPci: Topology;
  let dispose: () => void;
  beforeAll(async () => {
    const prepared = machine('24em64t-2n6c2t-pci').prepare();
    ({ dispose } = prepared);
    withPci = await loadAsLstopo(prepared.environment);
  });
  afterAll(() => {
    withPci.close();
    dispose();
  });

  test('are found by bus id, as text or in parts', () => {
    for (const device of withPci.objects('PCIDev')) {
      const { attributes } = device;
      expect(withPci.pciDevice(attributes.busId)).toBe(device);
      expect(withPci.pciDevice(attributes.busId.replace(/^0000:/, ''))).toBe(device);
      expect(withPci.pciDevice(attributes)).toBe(device);
    }
    expect(withPci.pciDevice('0000:ff:1f.7')).toBeUndefined();
    expect(() => withPci.pciDevice('04:00')).toThrow(SyntaxError);
    expect(() => withPci.pciDevice('zz:00.0')).toThrow(SyntaxError);
  });

  test('are below the bridges that cover their bus', () => {
    for (const device of withPci.objects('PCIDev')) {
      const bridges = withPci.bridgesCovering(device.attributes.domain, device.attributes.bus);
      const above = [...device.ancestors()].filter(({ type }) => type === 'Bridge');
      expect(new Set(bridges)).toEqual(new Set(above));
    }
  });

  test('and OS devices hang on a normal object', () => {
    for (const device of [...withPci.objects('PCIDev'), ...withPci.objects('OSDev')]) {
      expect(device.cpuset).toBeUndefined();
      expect(device.nonIoAncestor.cpuset).toBeDefined();
      expect(device.nonIoAncestor.childKind).toBe('normal');
      expect([...device.ancestors()]).toContain(device.nonIoAncestor);
    }
  });
});
