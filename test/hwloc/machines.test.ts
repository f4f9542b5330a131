// Every field of every object of every machine that we have, against what `lstopo --of xml` says of the same source.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CpuSet, type MemoryAttribute, type Topology, type TopologyObject } from '../../src/hwloc/index.js';
import { adoptCopy } from './support/adopt.js';
import { type Element, lstopo, walk } from './support/lstopo.js';
import {
  type Machine,
  haveMachines,
  loadAsLstopo,
  recordedMachines,
  thisMachine,
} from './support/machines.js';
import { attributesOf, expectedOf, fieldsOf } from './support/expected-object.js';
import { shapeOf } from './support/shape.js';

describe('the machine at hand', () => {
  compare(thisMachine);
});

describe.skipIf(!haveMachines)('the recorded machines in ../shared/machines', () => {
  test('are there', () => {
    expect(recordedMachines.length).toBeGreaterThan(0);
  });
  describe.each(recordedMachines.map((machine) => [machine.name, machine] as const))('%s', (_, machine) => {
    compare(machine);
  });
});

function compare(machine: Machine): void {
  let topology: Topology;
  let xml: Element;
  let rootElement: Element;
  let dispose: () => void;
  let elements: Map<number, Element>;

  beforeAll(async () => {
    const prepared = machine.prepare();
    dispose = () => {
      prepared.dispose();
    };
    xml = lstopo(prepared.environment);
    topology = await loadAsLstopo(prepared.environment);
    const [root] = xml.all('object');
    if (root === undefined) throw new Error('no root');
    rootElement = root;
    elements = new Map([...walk(xml)].map((each) => [Number(each.attributes.gp_index), each]));
  });

  afterAll(() => {
    topology.close();
    dispose();
  });

  test('has the same objects, each with the same fields, attributes and infos', () => {
    expect([...topology].length).toBe(elements.size);
    for (const object of topology) {
      const element = elements.get(object.gpIndex);
      if (element === undefined) throw new Error(`lstopo does not have ${object.label}`);
      expect(fieldsOf(object), object.label).toEqual(expectedOf(element));
      expect(object.attributes, object.label).toEqual(attributesOf(element));
    }
  });

  test('has the same tree, with the four kinds of children in the same order', () => {
    const tree = (object: TopologyObject): unknown => [
      object.gpIndex,
      ...[object.children, object.memoryChildren, object.ioChildren, object.miscChildren].map((list) =>
        list.map(tree),
      ),
    ];
    expect(tree(topology.root)).toEqual(shapeOf(rootElement).tree);
  });

  test('links parents, siblings and children to each other', () => {
    expect(topology.root.parent).toBeUndefined();
    for (const object of topology) {
      const { children, memoryChildren, ioChildren, miscChildren } = object;
      expect(object.firstChild).toBe(children[0]);
      expect(object.lastChild).toBe(children.at(-1));
      expect(object.allChildren).toEqual([...children, ...memoryChildren, ...ioChildren, ...miscChildren]);
      expect([object.arity, object.memoryArity, object.ioArity, object.miscArity]).toEqual(
        [children, memoryChildren, ioChildren, miscChildren].map((list) => list.length),
      );
      for (const list of [children, memoryChildren, ioChildren, miscChildren]) {
        list.forEach((child, rank) => {
          expect(child.parent).toBe(object);
          expect(child.siblingRank).toBe(rank);
          expect(child.nextSibling).toBe(list[rank + 1]);
          expect(child.previousSibling).toBe(list[rank - 1]);
        });
      }
    }
  });

  test('has the same levels: depths, logical indexes and cousins', () => {
    const { levels } = shapeOf(rootElement);
    expect(topology.depth).toBe(levels.filter(({ depth }) => depth >= 0).length);
    for (const { depth, type, gpIndexes } of levels) {
      const level = topology.objectsAtDepth(depth);
      expect(level.map((object) => object.gpIndex)).toEqual(gpIndexes);
      expect(topology.depthType(depth)).toBe(type);
      level.forEach((object, index) => {
        expect(object.depth).toBe(depth);
        expect(object.logicalIndex).toBe(index);
        expect(object.nextCousin).toBe(level[index + 1]);
        expect(object.previousCousin).toBe(level[index - 1]);
      });
    }
  });

  test('has the same total memory and symmetry', () => {
    const { totalMemory, symmetric } = shapeOf(rootElement);
    for (const object of topology) {
      expect(object.totalMemory, object.label).toBe(totalMemory.get(object.gpIndex));
      expect(object.symmetricSubtree, object.label).toBe(symmetric.get(object.gpIndex));
    }
  });

  test('has the same allowed sets', () => {
    expect(topology.allowedCpuset.toString()).toBe(rootElement.attributes.allowed_cpuset);
    expect(topology.allowedNodeset.toString()).toBe(rootElement.attributes.allowed_nodeset);
  });

  test('has the same distances', () => {
    const numbers = (element: Element, name: string) =>
      element
        .all(name)
        .flatMap((each) => each.text.trim().split(/\s+/))
        .map(Number);
    const expected = xml.all('distances2').map((element) => {
      const kind = Number(element.attributes.kind);
      const indexes = numbers(element, 'indexes');
      const values = numbers(element, 'u64values');
      return {
        name: element.attributes.name,
        from: kind & 1 ? 'os' : kind & 2 ? 'user' : undefined,
        means: kind & 4 ? 'latency' : kind & 8 ? 'bandwidth' : undefined,
        types: indexes.map(() => element.attributes.type),
        indexes,
        values: indexes.map((_, i) => values.slice(i * indexes.length, (i + 1) * indexes.length)),
      };
    });
    expect(xml.all('distances2hetero')).toEqual([]);
    const found = topology.distances().map(({ name, kind, objects, values }, i) => ({
      name,
      from: kind.from,
      means: kind.means,
      types: objects.map(({ type }) => type),
      indexes: objects.map((object) =>
        xml.all('distances2')[i]?.attributes.indexing === 'os' ? object.osIndex : object.gpIndex,
      ),
      values,
    }));
    expect(found).toEqual(expected);
  });

  test('has the same memory attributes', () => {
    const expected = xml.all('memattr').map((element) => ({
      name: element.attributes.name,
      better: Number(element.attributes.flags) & 1 ? 'higher' : 'lower',
      needsInitiator: (Number(element.attributes.flags) & 4) !== 0,
      values: element.all('memattr_value').map(({ attributes }) => ({
        target: [attributes.target_obj_type, Number(attributes.target_obj_gp_index)],
        initiator:
          attributes.initiator_cpuset ??
          (attributes.initiator_obj_gp_index === undefined
            ? undefined
            : Number(attributes.initiator_obj_gp_index)),
        value: Number(attributes.value),
      })),
    }));
    for (const { name = '', better, needsInitiator, values } of expected) {
      const attribute = topology.memoryAttribute(name);
      expect(attribute).toMatchObject({ name, better, needsInitiator });
      const found = attribute === undefined ? [] : valuesOf(attribute);
      expect(found).toEqual(values);
    }
    const exported = new Set(expected.map(({ name }) => name));
    for (const attribute of topology.memoryAttributes) {
      if (exported.has(attribute.name)) continue;
      // lstopo leaves out those without values, and the two that follow from the objects.
      const values = attribute.targets().map(({ target, value }) => [target, value]);
      const nodes = topology.objects('NUMANode');
      if (attribute.name === 'Capacity') {
        expect(values).toEqual(nodes.map((node) => [node, node.attributes.localMemory]));
      } else if (attribute.name === 'Locality') {
        expect(values).toEqual(nodes.map((node) => [node, node.cpuset.size]));
      } else {
        expect(values).toEqual([]);
      }
    }
  });

  test('is the same when it is adopted', () => {
    const adopted = adoptCopy(topology);
    expect(JSON.stringify(adopted)).toBe(JSON.stringify(topology));
    adopted.close();
  });

  test('has the same kinds of CPUs', () => {
    const expected = xml.all('cpukind').map((element) => ({
      cpuset: element.attributes.cpuset,
      infos: element.all('info').map(({ attributes }) => ({ ...attributes })),
    }));
    const found = topology.cpuKinds;
    expect(found.map(({ cpuset, infos }) => ({ cpuset: cpuset.toString(), infos }))).toEqual(expected);
    for (const [index, kind] of found.entries()) {
      expect(kind.index).toBe(index);
      expect([index, undefined]).toContain(kind.efficiency);
      expect(topology.cpuKindOf(kind.cpuset)).toEqual(kind);
    }
  });
}

/** All values of an attribute, as lstopo lists them. */
function valuesOf(attribute: MemoryAttribute): unknown[] {
  const list: unknown[] = [];
  for (const { target, value } of attribute.targets()) {
    const of = { target: [target.type, target.gpIndex] };
    if (!attribute.needsInitiator) list.push({ ...of, initiator: undefined, value });
    for (const { initiator, value: seen } of attribute.initiators(target)) {
      const from = initiator instanceof CpuSet ? initiator.toString() : initiator.gpIndex;
      list.push({ ...of, initiator: from, value: seen });
    }
  }
  return list;
}
