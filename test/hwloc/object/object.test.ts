// Objects one by one: what a person sees of them, and types that this binding does not know.

import { inspect } from 'node:util';
import koffi from 'koffi';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Topology,
  isCache,
  isDataCache,
  isInstructionCache,
  isIo,
  isMemory,
  isNormal,
  loadTopology,
  objectTypes,
} from '../../../src/hwloc/index.js';
import { addressOf } from '../../../src/hwloc/object/fields.js';
import { haveMachines, loadAsLstopo, machine } from '../support/machines.js';

let topology: Topology;
beforeEach(async () => {
  topology = await loadTopology({
    source: {
      synthetic: 'pack:2 [numa(memory=1073741824)] l3:1(size=33554432) core:2 pu:2(indexes=core,pu)',
    },
  });
});
afterEach(() => {
  topology.close();
});

describe('printed', () => {
  test('an object says what it is on one line', () => {
    expect(inspect(topology.objects('PU')[1])).toBe('<PU L#1 (P#4): cpuset 4, nodeset 0>');
    expect(inspect(topology.objects('L3Cache')[0])).toMatch(
      /^<L3Cache L#0.*: 32 MiB, .*cpuset 0-1,4-5, nodeset 0, 2 children>$/,
    );
    expect(inspect(topology.objects('NUMANode')[1])).toBe(
      '<NUMANode L#1 (P#1): 1 GiB, cpuset 2-3,6-7, nodeset 1>',
    );
  });

  test('an object as text is what lstopo prints for it', () => {
    const first = [...topology].filter(({ logicalIndex }) => logicalIndex === 0);
    expect(first.map(String)).toEqual(first.map(({ label }) => label));
    expect(first.map(String)).toEqual([
      'Machine (2048MB total)',
      'Package L#0',
      'L3 L#0 (32MB)',
      'Core L#0',
      'PU L#0 (P#0)',
      'NUMANode L#0 (P#0 1024MB)',
    ]);
  });

  test('a topology and a memory attribute as text are what console.log() prints', () => {
    expect(String(topology)).toBe(inspect(topology));
    const [attribute] = topology.memoryAttributes;
    expect(attribute).toBeDefined();
    expect(String(attribute)).toBe(inspect(attribute));
    topology.close();
    expect(String(topology)).toBe('<Topology (closed)>');
  });

  test('a topology says what it has', () => {
    expect(inspect(topology)).toBe(
      '<Topology: 1 Machine, 2 Package, 4 Core, 8 PU, 2 L3Cache, 2 NUMANode; loaded>',
    );
  });

  test.skipIf(!haveMachines)('devices say where they are and what they are', async () => {
    const { environment, dispose } = machine('24em64t-2n6c2t-pci').prepare();
    const withPci = await loadAsLstopo(environment);
    expect(inspect(withPci.objects('PCIDev')[0])).toMatch(/^<PCIDev L#0 0000:04:00.0: class 0200, 8086:10c9/);
    expect(inspect(withPci.objects('Bridge')[0])).toMatch(
      /^<Bridge L#0: Host to PCI 0000:\[00-0f\], \d+ children>$/,
    );
    expect(withPci.objects('PCIDev')[0]?.label).toBe('PCI 0000:04:00.0 (Ethernet)');
    expect(withPci.objects('OSDev').map(String)).toContain('Net "eth0"');
    expect(withPci.objects('Bridge')[0]?.label).toBe('HostBridge');
    withPci.close();
    dispose();
  });
});

describe('a type that this binding does not know', () => {
  test('is kept, with its number, and everything else of the object works', () => {
    const [core] = topology.objects('Core');
    if (core === undefined) throw new Error('no core');
    // The memory of a loaded topology is ordinary memory: here is an object from a future hwloc.
    koffi.encode(BigInt(addressOf(core)), 'int', 99);
    const unknown = topology.objectByGpIndex(core.gpIndex);
    expect(unknown).toBe(core);
    expect(unknown?.type).toBe('Unknown');
    expect(unknown?.typeNumber).toBe(99);
    expect(unknown?.attributes).toBeUndefined();
    expect(unknown?.childKind).toBe('normal');
    expect(unknown?.cpuset?.toListString()).toBe('0,4');
    expect(unknown?.children.map(({ type }) => type)).toEqual(['PU', 'PU']);
    expect(inspect(unknown)).toBe('<Unknown type 99 L#0 (P#0): cpuset 0,4, nodeset 0, 2 children>');
    expect(JSON.parse(JSON.stringify(unknown))).toMatchObject({ type: 'Unknown', typeNumber: 99 });
    expect([...topology]).toHaveLength(1 + 2 * (1 + 1 + 1 + 2 + 4));
  });
});

describe('kinds of types', () => {
  test('every type is of one kind', () => {
    const kinds = { normal: isNormal, memory: isMemory, io: isIo };
    for (const type of objectTypes) {
      const of = Object.entries(kinds).filter(([, is]) => is(type));
      expect(of, type).toHaveLength(type === 'Misc' ? 0 : 1);
    }
    expect(objectTypes.filter(isIo)).toEqual(['Bridge', 'PCIDev', 'OSDev']);
    expect(objectTypes.filter(isMemory)).toEqual(['NUMANode', 'MemCache']);
    expect(objectTypes.filter(isDataCache)).toHaveLength(5);
    expect(objectTypes.filter(isInstructionCache)).toHaveLength(3);
    expect(objectTypes.filter(isCache)).toHaveLength(8);
  });
});
