// The tables of offsets, against what a C compiler made of hwloc's structs.

import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import { describe, expect, test } from 'vitest';
import { layout2 } from '../../../src/hwloc/ffi/layout-2.js';
import { layout3 } from '../../../src/hwloc/ffi/layout-3.js';
import { type Layout, layoutOf } from '../../../src/hwloc/ffi/layout.js';
import { Memory } from '../../../src/hwloc/ffi/memory.js';
import { type ObjectType, objectTypes } from '../../../src/hwloc/index.js';
import { readAttributes } from '../../../src/hwloc/object/read-attributes.js';

interface Recorded {
  readonly object: Readonly<Record<string, number>>;
  readonly attributes: Readonly<Record<string, number>>;
}

function recorded(abi: number): Recorded {
  return JSON.parse(readFileSync(new URL(`offsets-${abi}.json`, import.meta.url), 'utf8')) as Recorded;
}

/** The fields of our table under the names that C has for them. */
function objectInC({ object }: Layout): Record<string, number> {
  const renamed: Record<string, string> = {
    attributes: 'attr',
    previousCousin: 'prev_cousin',
    previousSibling: 'prev_sibling',
  };
  const entries = Object.entries(object).map(([name, offset]) => [
    renamed[name] ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    offset as number,
  ]);
  return Object.fromEntries(entries) as Record<string, number>;
}

function attributesInC({
  attributes: { numa, core, cache, group, pci, bridge, osDevice },
}: Layout): Record<string, number | undefined> {
  return {
    'numanode.local_memory': numa.localMemory,
    'numanode.page_types_len': numa.pageTypes?.count,
    'numanode.page_types': numa.pageTypes?.array,
    'numanode.memory_tier': numa.memoryTier,
    'core.cpukind': core?.cpuKind,
    'cache.size': cache.size,
    'cache.depth': cache.depth,
    'cache.linesize': cache.lineSize,
    'cache.associativity': cache.associativity,
    'cache.type': cache.kind,
    'cache.inclusive': cache.inclusive,
    'group.depth': group.depth,
    'group.kind': group.kind,
    'group.subkind': group.subkind,
    'group.dont_merge': group.dontMerge,
    'pcidev.domain': pci.domain,
    'pcidev.bus': pci.bus,
    'pcidev.dev': pci.device,
    'pcidev.func': pci.function,
    'pcidev.prog_if': pci.progIf,
    'pcidev.class_id': pci.classId,
    'pcidev.vendor_id': pci.vendorId,
    'pcidev.device_id': pci.deviceId,
    'pcidev.subvendor_id': pci.subvendorId,
    'pcidev.subdevice_id': pci.subdeviceId,
    'pcidev.revision': pci.revision,
    'pcidev.linkspeed': pci.linkSpeed,
    'bridge.upstream_type': bridge.upstreamType,
    'bridge.downstream.pci.domain': bridge.domain,
    'bridge.downstream.pci.secondary_bus': bridge.secondaryBus,
    'bridge.downstream.pci.subordinate_bus': bridge.subordinateBus,
    'bridge.downstream_type': bridge.downstreamType,
    'bridge.depth': bridge.depth,
    [osDevice.bits ? 'osdev.types' : 'osdev.type']: osDevice.types,
  };
}

const withoutUndefined = (record: Record<string, number | undefined>) =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));

describe.each([
  [2, layout2()],
  [3, layout3()],
] as const)('the table of hwloc %d', (abi, layout) => {
  const { object, attributes } = recorded(abi);

  test('has the recorded offsets of struct hwloc_obj', () => {
    const { sizeof, 'infos.array': array, 'infos.count': count, ...fields } = object;
    expect(sizeof).toBe(248);
    const expected = abi === 3 ? { ...fields, infos: array, infos_count: count } : fields;
    expect(objectInC(layout)).toEqual(expected);
  });

  test('has the recorded offsets of union hwloc_obj_attr_u', () => {
    const { sizeof, ...fields } = attributes;
    expect(sizeof).toBeLessThanOrEqual(48);
    expect(withoutUndefined(attributesInC(layout))).toEqual(fields);
  });

  test('names each type once', () => {
    expect([...layout.types].sort()).toEqual([...objectTypes].sort());
  });

  test('reads a PCI device, a bridge and an OS device from where C would have put them', () => {
    const bytes = Buffer.alloc(64);
    const address = Number(koffi.address(bytes));
    const at = (name: string) => attributes[name] ?? -1;
    const read = (type: 'PCIDev' | 'Bridge' | 'OSDev') => readAttributes(new Memory(), layout, type, address);
    if (abi === 3) bytes.writeUInt32LE(0x12345, at('pcidev.domain'));
    else bytes.writeUInt16LE(0x1234, at('pcidev.domain'));
    bytes.writeUInt8(0xab, at('pcidev.bus'));
    bytes.writeUInt8(0x1f, at('pcidev.dev'));
    bytes.writeUInt8(7, at('pcidev.func'));
    bytes.writeUInt16LE(0x0302, at('pcidev.class_id'));
    bytes.writeFloatLE(31.5, at('pcidev.linkspeed'));
    expect(read('PCIDev')).toMatchObject({
      busId: abi === 3 ? '12345:ab:1f.7' : '1234:ab:1f.7',
      classId: 0x0302,
      progIf: abi === 3 ? 0 : undefined,
      linkSpeed: 31.5,
    });

    bytes.writeUInt32LE(1, at('bridge.upstream_type'));
    bytes.writeUInt8(3, at('bridge.downstream.pci.secondary_bus'));
    bytes.writeUInt8(9, at('bridge.downstream.pci.subordinate_bus'));
    bytes.writeUInt32LE(2, at('bridge.depth'));
    expect(read('Bridge')).toMatchObject({
      upstream: { type: 'PCI', bus: 0xab },
      downstream: { type: 'PCI', domain: 0, secondaryBus: 3, subordinateBus: 9 },
      depth: 2,
    });

    bytes.fill(0);
    bytes.writeUInt32LE(abi === 3 ? 0b1100 : 1, 0);
    expect(read('OSDev')).toEqual({ types: abi === 3 ? ['GPU', 'CoProc'] : ['GPU'] });
  });
});

describe('what hwloc 3 has and hwloc 2 has not', () => {
  const bytes = Buffer.alloc(64);
  const address = Number(koffi.address(bytes));
  const read = (type: ObjectType, layout: Layout) => readAttributes(new Memory(), layout, type, address);
  const fill = (words: readonly (readonly [number, number])[]) => {
    bytes.fill(0);
    for (const [offset, value] of words) bytes.writeInt32LE(value, offset);
  };

  test('caches of hwloc 3 have other offsets, and tell whether they are inclusive', () => {
    const words = [
      [0, 1 << 20],
      [8, 1],
      [12, 2],
      [16, 64],
      [20, -1],
      [24, 1],
    ] as const;
    fill(words);
    const expected = { size: 1 << 20, kind: 'data', depth: 2, lineSize: 64, associativity: 'full' };
    expect(read('L2Cache', layout3())).toEqual({ ...expected, inclusive: true });
    fill([...words, [24, 0]]);
    expect(read('MemCache', layout3())).toEqual({ ...expected, inclusive: false });
    fill([...words, [24, -1]]);
    expect(read('L2Cache', layout3())).toEqual({ ...expected, inclusive: undefined });
  });

  test('cores of hwloc 3 tell their CPU kind, and NUMA nodes their memory tier', () => {
    fill([[0, 2]]);
    expect(read('Core', layout3())).toEqual({ cpuKind: 2 });
    expect(read('Core', layout2())).toBe(undefined);
    fill([[0, -1]]);
    expect(read('Core', layout3())).toEqual({ cpuKind: undefined });
    fill([
      [0, 4096],
      [8, 1],
    ]);
    expect(read('NUMANode', layout3())).toEqual({ localMemory: 4096, pageTypes: [], memoryTier: 1 });
  });
});

test('the table is chosen by the ABI word', () => {
  expect(layoutOf(0x20400)).toBe(layout2());
  expect(layoutOf(0x20000)).toBe(layout2());
  expect(layoutOf(0x30000)).toBe(layout3());
  for (const unknown of [0x10b00, 0x30100, 0x40000]) {
    expect(() => layoutOf(unknown)).toThrow(
      expect.objectContaining({ code: 'HWLOC_SHARE_LIBHWLOC_UNSUPPORTED' }),
    );
  }
});

test('hwloc 3 has its types in the order of its enum', () => {
  expect(layout3().types.indexOf('Die')).toBe(2);
  expect(layout3().types.indexOf('PU')).toBe(4);
  expect(layout3().types.indexOf('MemCache')).toBe(15);
  expect(layout3().types.indexOf('Misc')).toBe(19);
});
