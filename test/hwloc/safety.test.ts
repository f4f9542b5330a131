// What must never happen: a use after close, objects of two topologies mixed, a write to the mapped pages.

import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  CpuSet,
  ForeignObjectError,
  InvalidArgumentError,
  NodeSet,
  NotSupportedError,
  type Topology,
  TopologyClosedError,
  type TopologyObject,
  loadTopology,
} from '../../src/hwloc/index.js';
import { adoptCopy } from './support/adopt.js';

let loaded: Topology;
let topology: Topology;
beforeEach(async () => {
  loaded = await loadTopology({ source: { synthetic: 'pack:2 [numa(memory=1073741824)] core:2 pu:2' } });
  topology = adoptCopy(loaded);
});
afterEach(() => {
  topology.close();
  loaded.close();
});

/** All public getters of an instance, from all its classes. */
function gettersOf(instance: object): string[] {
  const names = new Set<string>();
  for (
    let type = Object.getPrototypeOf(instance) as object;
    type !== Object.prototype;
    type = Object.getPrototypeOf(type) as object
  ) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(type))) {
      if ('get' in descriptor) names.add(name);
    }
  }
  return [...names];
}

const read = (instance: object, name: string): unknown => Reflect.get(instance, name);

describe('after close()', () => {
  test('every field of every object throws TopologyClosedError, whether it was read before or not', () => {
    const objects = [...topology];
    const names = gettersOf(topology.root);
    expect(names.length).toBeGreaterThan(35);
    objects.forEach((object, i) => {
      if (i % 2 === 0) for (const name of names) read(object, name);
    });
    topology.close();
    for (const object of objects) {
      for (const name of names) expect(() => read(object, name), name).toThrow(TopologyClosedError);
      expect(() => object.info('x')).toThrow(TopologyClosedError);
      expect(() => [...object.ancestors()]).toThrow(TopologyClosedError);
      expect(() => [...object.walk()]).toThrow(TopologyClosedError);
      expect(() => object.commonAncestor(object)).toThrow(TopologyClosedError);
      expect(() => inspect(object)).toThrow(TopologyClosedError);
      expect(() => JSON.stringify(object)).toThrow(TopologyClosedError);
    }
  });

  test('every use of the topology throws, but asking whether it is closed, and printing it', () => {
    const { root } = topology;
    const attributes = topology.memoryAttributes;
    topology.close();
    topology.close();
    const allowed = new Set(['closed', 'adoptedFrom']);
    for (const name of gettersOf(topology)) {
      if (!allowed.has(name)) expect(() => read(topology, name), name).toThrow(TopologyClosedError);
    }
    const set = CpuSet.of(0);
    const uses: (() => unknown)[] = [
      () => topology.objects('Core'),
      () => topology.count('Core'),
      () => topology.objectsAtDepth(0),
      () => [...topology],
      () => topology.objectCovering(set),
      () => topology.closest(root),
      () => topology.localNumaNodes(set),
      () => topology.sameLocality(root, 'Core'),
      () => topology.distribute(2),
      () => topology.nodesOf(set),
      () => topology.cpusOf(NodeSet.of(0)),
      () => topology.singlifyPerCore(set),
      () => topology.distances(),
      () => topology.cpuKindOf(set),
      () => topology.exportXml(),
      () => topology.exportSynthetic(),
      () => topology.toJSON(),
      () => topology.getCpuBinding(),
      () => {
        topology.setCpuBinding(set);
      },
      () => topology.getMemoryBinding(),
      () => topology.sharedLength(),
      () => attributes[0]?.value(root),
      () => attributes[0]?.targets(),
      () => attributes[2]?.bestTarget(set),
    ];
    for (const use of uses) expect(use, String(use)).toThrow(TopologyClosedError);
    expect(topology.closed).toBe(true);
    expect(inspect(topology)).toBe('<Topology (closed)>');
  });

  test('values that were read before stay: sets, infos, attributes', () => {
    const { cpuset } = topology.root;
    const [node] = topology.objects('NUMANode');
    const attributes = node?.attributes;
    topology.close();
    expect(cpuset.toListString()).toBe('0-7');
    expect(attributes?.localMemory).toBe(1024 ** 3);
  });

  test('using (Symbol.dispose) closes', () => {
    topology[Symbol.dispose]();
    expect(topology.closed).toBe(true);
  });

  test('the range is free for another topology, whose objects are its own', () => {
    const before = topology.objects('Core');
    topology.close();
    const again = adoptCopy(loaded);
    expect(again.objects('Core')[0]).not.toBe(before[0]);
    expect(() => before[0]?.osIndex).toThrow(TopologyClosedError);
    again.close();
  });
});

describe('objects of another topology', () => {
  test('are refused, with their name', () => {
    const foreign = loaded.objects('Core')[1] as TopologyObject;
    const own = topology.objects('Core')[1] as TopologyObject;
    const uses: (() => unknown)[] = [
      () => topology.closest(foreign),
      () => topology.sameLocality(foreign, 'PU'),
      () => topology.localNumaNodes(foreign),
      () => topology.indexInside(CpuSet.full(), foreign),
      () => topology.distribute(2, { roots: [foreign] }),
      () => topology.memoryAttribute('Capacity')?.value(foreign),
      () => topology.memoryAttribute('Bandwidth')?.bestTarget(foreign),
      () => own.commonAncestor(foreign),
      () => own.isInSubtree(foreign),
    ];
    for (const use of uses) expect(use, String(use)).toThrow(ForeignObjectError);
    expect(uses[0]).toThrow('Core L#1 belongs to another topology');
  });

  test('are refused by a matrix of distances', async () => {
    const source = { xmlFile: join(import.meta.dirname, 'fixtures/devices.xml') };
    const [one, other] = [await loadTopology({ source }), await loadTopology({ source })];
    const [matrix] = one.distances();
    const [node] = one.objects('NUMANode');
    const [foreign] = other.objects('NUMANode');
    if (node === undefined || foreign === undefined) throw new Error('no nodes');
    expect(matrix?.value(node, node)).toBe(10);
    expect(matrix?.value(node, one.root)).toBeUndefined();
    expect(() => matrix?.value(node, foreign)).toThrow(ForeignObjectError);
    expect(() => matrix?.value({} as TopologyObject, node)).toThrow(InvalidArgumentError);
    one.close();
    other.close();
  });

  test('are not equal to ours, though they look the same', () => {
    expect([loaded.root]).not.toEqual([topology.root]);
    expect([topology.root]).toEqual([topology.root]);
  });
});

describe('writing a topology', () => {
  const segment = { fd: 0, offset: 0, address: 0x4223_8000_0000 };

  test('into fewer bytes than it takes is refused: libhwloc would write behind them', () => {
    const length = loaded.sharedLength();
    expect(() => {
      loaded.writeTo({ ...segment, length: length - 4096 });
    }).toThrow(`length ${length - 4096} is not allowed; use a whole number from ${length}`);
  });

  test('that was adopted is refused: libhwloc would crash', () => {
    expect(() => {
      topology.writeTo({ ...segment, length: loaded.sharedLength() });
    }).toThrow(NotSupportedError);
  });
});

describe('the memory', () => {
  /** Everything that JavaScript code can reach from a value without being inside of a class. */
  function reachable(value: unknown, seen = new Set<unknown>()): Set<unknown> {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value))
      return seen;
    seen.add(value);
    for (const key of Reflect.ownKeys(value)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
      reachable(descriptor?.value, seen);
    }
    for (const name of gettersOf(value)) {
      try {
        reachable(read(value, name), seen);
      } catch {
        // A getter of a built-in that does not fit.
      }
    }
    return seen;
  }

  test('no view over it can be reached from a topology or an object', () => {
    const found = [...reachable({ topology, object: topology.root, sets: topology.cpuset })];
    expect(found.length).toBeGreaterThan(20);
    expect(found.filter((value) => ArrayBuffer.isView(value) || value instanceof ArrayBuffer)).toEqual([]);
  });

  test('what is handed out cannot be changed', () => {
    const [core] = topology.objects('Core');
    const [node] = topology.objects('NUMANode');
    for (const value of [
      core?.children,
      core?.infos,
      node?.attributes,
      node?.attributes.pageTypes,
      topology.support,
    ]) {
      expect(Object.isFrozen(value)).toBe(true);
    }
    expect(() => Reflect.set(core as object, 'osIndex', 5)).not.toThrow();
    expect(core?.osIndex).toBe(0);
  });
});
