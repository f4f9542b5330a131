// Distances, memory attributes and CPU kinds: the questions that one asks of them.

import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  CpuSet,
  InvalidArgumentError,
  type MemoryAttribute,
  type Topology,
} from '../../../src/hwloc/index.js';
import { adoptCopy } from '../support/adopt.js';
import { haveMachines, loadAsLstopo, machine } from '../support/machines.js';

/** A recorded machine, loaded and adopted: memory attributes of adopted ones crash if the file was not sealed. */
function onMachine(name: string, body: (topology: () => Topology) => void): void {
  describe.skipIf(!haveMachines).each(['loaded', 'adopted'])(`${name}, %s`, (how) => {
    let topology: Topology;
    let dispose: () => void;
    beforeAll(async () => {
      const prepared = machine(name).prepare();
      const loaded = await loadAsLstopo(prepared.environment);
      topology = how === 'adopted' ? adoptCopy(loaded) : loaded;
      dispose = () => {
        topology.close();
        loaded.close();
        prepared.dispose();
      };
    });
    afterAll(() => {
      dispose();
    });
    body(() => topology);
  });
}

onMachine('8intel64-4n2t-memattrs', (topology) => {
  const attribute = (name: string): MemoryAttribute => {
    const found = topology().memoryAttribute(name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };
  const node = (gpIndex: number) => {
    const found = topology().objectByGpIndex(gpIndex);
    if (found === undefined) throw new Error(`no ${gpIndex}`);
    return found;
  };

  test('built-in attributes come first, then the registered ones', () => {
    expect(topology().memoryAttributes.map(({ name }) => name)).toEqual([
      'Capacity',
      'Locality',
      'Bandwidth',
      'Latency',
      'ReadBandwidth',
      'WriteBandwidth',
      'ReadLatency',
      'WriteLatency',
      'foobar',
      'barnoinit',
      'coincoin',
    ]);
    expect(inspect(attribute('foobar'))).toBe('<MemoryAttribute 8 foobar: lower is better, by initiator>');
    expect(topology().memoryAttribute('no such')).toBeUndefined();
  });

  test('the value of a node for who accesses it', () => {
    const foobar = attribute('foobar');
    expect(foobar.value(node(4), CpuSet.of(0, 1))).toBe(10);
    expect(foobar.value(node(16), CpuSet.of(1, 4))).toBe(23456);
    expect(foobar.value(node(16), node(13))).toBe(23456);
    expect(foobar.value(node(4), CpuSet.of(7))).toBeUndefined();
    expect(attribute('barnoinit').value(node(8))).toBe(2345);
    expect(attribute('coincoin').value(node(4), CpuSet.of(0))).toBeUndefined();
    expect(() => foobar.value(node(4))).toThrow(InvalidArgumentError);
  });

  test('all nodes that have a value for who accesses them', () => {
    const values = attribute('foobar').targets(CpuSet.of(0, 1));
    expect(values.map(({ target, value }) => [target.gpIndex, value])).toEqual([
      [4, 10],
      [8, 20],
      [12, 30],
      [16, 40],
    ]);
    expect(attribute('coincoin').targets()).toEqual([]);
  });

  test('the best node, and who is best for a node', () => {
    expect(attribute('foobar').bestTarget(CpuSet.of(0, 1))).toEqual({ target: node(4), value: 10 });
    expect(attribute('barnoinit').bestTarget()).toEqual({ target: node(2), value: 478945 });
    expect(attribute('coincoin').bestTarget(CpuSet.of(0))).toBeUndefined();
    expect(attribute('foobar').bestInitiator(node(16))).toEqual({ initiator: CpuSet.of(0, 1), value: 40 });
    expect(attribute('barnoinit').bestInitiator(node(8))).toBeUndefined();
    expect(attribute('Capacity').bestTarget()?.value).toBe(1024 ** 3);
  });

  test('who has a value for a node: CPUs or objects', () => {
    expect(attribute('foobar').initiators(node(4))).toEqual([
      { initiator: node(15), value: 2345 },
      { initiator: CpuSet.of(0, 1), value: 10 },
    ]);
    expect(attribute('barnoinit').initiators(node(4))).toEqual([]);
    expect(attribute('Bandwidth').initiators(node(8))).toEqual([
      { initiator: CpuSet.range(0, 7), value: 20 },
    ]);
  });
});

onMachine('memorysidecaches', (topology) => {
  test('distances are found by name, by type, by depth and by kind', () => {
    const [matrix] = topology().distances();
    expect(topology().distances()).toHaveLength(1);
    expect(matrix).toMatchObject({
      name: 'NUMALatency',
      kind: { from: 'os', means: 'latency', heterogeneousTypes: false },
    });
    const depth = Number(topology().typeDepth('NUMANode'));
    for (const filter of [
      { name: 'NUMALatency' },
      { type: 'NUMANode' },
      { depth },
      { from: 'os' },
      { means: 'latency' },
    ] as const) {
      expect(topology().distances(filter)).toEqual([matrix]);
    }
    for (const filter of [
      { name: 'other' },
      { type: 'Core' },
      { depth: 0 },
      { from: 'user' },
      { name: 'NUMALatency', means: 'bandwidth' },
    ] as const) {
      expect(topology().distances(filter)).toEqual([]);
    }
    expect(() => topology().distances({ name: 'NUMALatency', type: 'NUMANode' })).toThrow(
      InvalidArgumentError,
    );
  });

  test('a matrix gives the distance between two objects', () => {
    const [matrix] = topology().distances();
    if (matrix === undefined) throw new Error('no matrix');
    expect(new Set(matrix.objects)).toEqual(new Set(topology().objects('NUMANode')));
    for (const [i, from] of matrix.objects.entries()) {
      for (const [j, to] of matrix.objects.entries()) {
        expect(matrix.value(from, to)).toBe(matrix.values[i]?.[j]);
      }
    }
    expect(matrix.value(topology().root, topology().root)).toBeUndefined();
    expect(inspect(matrix)).toMatch(/^Distances NUMALatency \(latency, from os\)\n {2}NUMANode L#0: 10 /);
  });
});

onMachine('fakecpukinds', (topology) => {
  test('kinds of CPUs are found by their CPUs', () => {
    const kinds = topology().cpuKinds;
    expect(kinds.map(({ cpuset, efficiency }) => [cpuset.toListString(), efficiency])).toEqual([
      ['0-1', 0],
      ['2', 1],
      ['3', 2],
    ]);
    expect(topology().cpuKindOf(CpuSet.of(1))?.index).toBe(0);
    expect(topology().cpuKindOf(CpuSet.of(1, 2))).toBeUndefined();
    expect(topology().cpuKindOf(CpuSet.of(9))).toBeUndefined();
    expect(() => topology().cpuKindOf(CpuSet.empty())).toThrow(/EINVAL/);
  });
});

onMachine('16amd64-8n2c-cpusets', (topology) => {
  test('sets of the machine: what there is, what is complete, what is allowed', () => {
    const { cpuset, completeCpuset, allowedCpuset, nodeset, completeNodeset, allowedNodeset } = topology();
    expect(allowedCpuset.isSubsetOf(cpuset)).toBe(true);
    expect(cpuset.isSubsetOf(completeCpuset)).toBe(true);
    expect(cpuset.equals(completeCpuset)).toBe(false);
    expect(allowedNodeset.isSubsetOf(nodeset)).toBe(true);
    expect(nodeset.isSubsetOf(completeNodeset)).toBe(true);
    const [first] = topology().infos;
    expect(first && topology().info(first.name)).toBe(first?.value);
    expect(topology().info('no such')).toBeUndefined();
  });
});
