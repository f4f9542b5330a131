// Reads `union hwloc_obj_attr_u` of an object once; the result is frozen.

import type { Layout, PciOffsets } from '../ffi/layout.js';
import { type Memory, littleEndian, readUint, readUint64 } from '../ffi/memory.js';
import type {
  BridgeAttributes,
  BridgeDownstream,
  BridgeUpstream,
  CacheAttributes,
  CoreAttributes,
  GroupAttributes,
  NumaNodeAttributes,
  ObjectAttributes,
  OsDeviceAttributes,
  OsDeviceType,
  PageType,
  PciAttributes,
} from './attributes.js';
import { type ObjectType, isCache } from './types.js';

const cacheKinds = ['unified', 'data', 'instruction'] as const;
const HWLOC_OBJ_BRIDGE_PCI = 1;

/** The attributes at an address, for an object of a type; `undefined` if the type has none. */
export function readAttributes(
  memory: Memory,
  layout: Layout,
  type: ObjectType | 'Unknown',
  address: number,
): ObjectAttributes | undefined {
  if (address === 0) return undefined;
  const { view, base } = memory.windowOf(address);
  const at = address - base;
  if (type === 'NUMANode') return readNuma(memory, layout, view, at);
  if (isCache(type) || type === 'MemCache') return readCache(layout, view, at);
  if (type === 'Core') return readCore(layout, view, at);
  if (type === 'Group') return readGroup(layout, view, at);
  if (type === 'PCIDev') return readPci(layout.attributes.pci, view, at);
  if (type === 'Bridge') return readBridge(layout, view, at);
  if (type === 'OSDev') return readOsDevice(layout, view, at);
  return undefined;
}

function readNuma(memory: Memory, layout: Layout, view: DataView, at: number): NumaNodeAttributes {
  const { localMemory, pageTypes, memoryTier } = layout.attributes.numa;
  const pages: PageType[] = [];
  if (pageTypes !== undefined) {
    const count = view.getUint32(at + pageTypes.count, littleEndian);
    const array = readUint64(view, at + pageTypes.array);
    for (let i = 0; i < count; i++) {
      const size = memory.uint64(array + 16 * i);
      pages.push(Object.freeze({ size, count: memory.uint64(array + 16 * i + 8) }));
    }
  }
  return Object.freeze({
    localMemory: readUint64(view, at + localMemory),
    pageTypes: Object.freeze(pages),
    memoryTier: readRank(view, at, memoryTier),
  });
}

function readCore(layout: Layout, view: DataView, at: number): CoreAttributes | undefined {
  const { core } = layout.attributes;
  return core && Object.freeze({ cpuKind: readRank(view, at, core.cpuKind) });
}

/** A number from 0; undefined for hwloc's -1 (unknown). */
function readRank(view: DataView, at: number, offset: number | undefined): number | undefined {
  const rank = offset === undefined ? -1 : view.getInt32(at + offset, littleEndian);
  return rank < 0 ? undefined : rank;
}

function readCache(layout: Layout, view: DataView, at: number): CacheAttributes {
  const { size, depth, lineSize, associativity, kind, inclusive } = layout.attributes.cache;
  const includes = readRank(view, at, inclusive);
  const ways = view.getInt32(at + associativity, littleEndian);
  const line = view.getUint32(at + lineSize, littleEndian);
  return Object.freeze({
    size: readUint64(view, at + size),
    depth: view.getUint32(at + depth, littleEndian),
    lineSize: line === 0 ? undefined : line,
    associativity: ways === -1 ? 'full' : ways === 0 ? undefined : ways,
    kind: cacheKinds[view.getUint32(at + kind, littleEndian)] ?? 'unified',
    inclusive: includes === undefined ? undefined : includes !== 0,
  });
}

function readGroup(layout: Layout, view: DataView, at: number): GroupAttributes {
  const { depth, kind, subkind, dontMerge } = layout.attributes.group;
  return Object.freeze({
    depth: view.getUint32(at + depth, littleEndian),
    kind: view.getUint32(at + kind, littleEndian),
    subkind: view.getUint32(at + subkind, littleEndian),
    dontMerge: view.getUint8(at + dontMerge) !== 0,
  });
}

function readPci(offsets: PciOffsets, view: DataView, at: number): PciAttributes {
  const domain = readUint(view, at + offsets.domain, offsets.domainBytes);
  const bus = view.getUint8(at + offsets.bus);
  const device = view.getUint8(at + offsets.device);
  const pciFunction = view.getUint8(at + offsets.function);
  const linkSpeed = view.getFloat32(at + offsets.linkSpeed, littleEndian);
  return Object.freeze({
    busId: `${hex(domain, 4)}:${hex(bus, 2)}:${hex(device, 2)}.${hex(pciFunction, 1)}`,
    domain,
    bus,
    device,
    function: pciFunction,
    classId: view.getUint16(at + offsets.classId, littleEndian),
    progIf: offsets.progIf === undefined ? undefined : view.getUint8(at + offsets.progIf),
    vendorId: view.getUint16(at + offsets.vendorId, littleEndian),
    deviceId: view.getUint16(at + offsets.deviceId, littleEndian),
    subvendorId: view.getUint16(at + offsets.subvendorId, littleEndian),
    subdeviceId: view.getUint16(at + offsets.subdeviceId, littleEndian),
    revision: view.getUint8(at + offsets.revision),
    linkSpeed: linkSpeed === 0 ? undefined : linkSpeed,
  });
}

function readBridge(layout: Layout, view: DataView, at: number): BridgeAttributes {
  const { bridge, pci } = layout.attributes;
  const fromPci = view.getUint32(at + bridge.upstreamType, littleEndian) === HWLOC_OBJ_BRIDGE_PCI;
  const upstream: BridgeUpstream = fromPci ? { type: 'PCI', ...readPci(pci, view, at) } : { type: 'Host' };
  const downstream: BridgeDownstream = {
    type: 'PCI',
    domain: readUint(view, at + bridge.domain, pci.domainBytes),
    secondaryBus: view.getUint8(at + bridge.secondaryBus),
    subordinateBus: view.getUint8(at + bridge.subordinateBus),
  };
  return Object.freeze({
    upstream: Object.freeze(upstream),
    downstream: Object.freeze(downstream),
    depth: view.getUint32(at + bridge.depth, littleEndian),
  });
}

function readOsDevice(layout: Layout, view: DataView, at: number): OsDeviceAttributes {
  const { types, bits, names } = layout.attributes.osDevice;
  const value = view.getUint32(at + types + (bits && !littleEndian ? 4 : 0), littleEndian);
  const chosen = names.filter((_, number) => (bits ? (value & (1 << number)) !== 0 : value === number));
  return Object.freeze({ types: Object.freeze(chosen as OsDeviceType[]) });
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
