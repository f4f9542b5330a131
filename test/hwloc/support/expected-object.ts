// An <object> of lstopo's XML, and an object of ours, brought into one form.

import type { TopologyObject } from '../../../src/hwloc/index.js';
import type { Element } from './lstopo.js';

/** The fields that XML has as they are. */
export interface Fields {
  readonly type: string | undefined;
  readonly subtype: string | undefined;
  readonly osIndex: number | undefined;
  readonly name: string | undefined;
  readonly gpIndex: number;
  readonly cpuset: string | undefined;
  readonly completeCpuset: string | undefined;
  readonly nodeset: string | undefined;
  readonly completeNodeset: string | undefined;
  readonly infos: readonly { readonly name: string | undefined; readonly value: string | undefined }[];
}

// Each program that exports a topology adds its own name.
const ofTheProgram = new Set(['ProcessName']);

export function fieldsOf(object: TopologyObject): Fields {
  return {
    type: object.type,
    subtype: object.subtype,
    osIndex: object.osIndex,
    name: object.name,
    gpIndex: object.gpIndex,
    cpuset: object.cpuset?.toString(),
    completeCpuset: object.completeCpuset?.toString(),
    nodeset: object.nodeset?.toString(),
    completeNodeset: object.completeNodeset?.toString(),
    infos: object.infos.filter(({ name }) => !ofTheProgram.has(name)),
  };
}

export function expectedOf(element: Element): Fields {
  const { attributes } = element;
  return {
    type: attributes.type,
    subtype: attributes.subtype,
    osIndex: attributes.os_index === undefined ? undefined : Number(attributes.os_index),
    name: attributes.name,
    gpIndex: Number(attributes.gp_index),
    cpuset: attributes.cpuset,
    completeCpuset: attributes.complete_cpuset,
    nodeset: attributes.nodeset,
    completeNodeset: attributes.complete_nodeset,
    infos: element
      .all('info')
      .map((info) => ({ name: info.attributes.name, value: info.attributes.value }))
      .filter(({ name = '' }) => !ofTheProgram.has(name)),
  };
}

/** What `object.attributes` must be. */
export function attributesOf(element: Element): unknown {
  const { type = '' } = element.attributes;
  if (type === 'NUMANode') return numa(element);
  if (/^L\di?Cache$|^MemCache$/.test(type)) return cache(element);
  if (type === 'Group') return group(element);
  if (type === 'PCIDev') return pci(element);
  if (type === 'Bridge') return bridge(element);
  if (type === 'OSDev') {
    const names = ['Block', 'GPU', 'Network', 'OpenFabrics', 'DMA', 'CoProc'];
    return { types: [names[Number(element.attributes.osdev_type)]] };
  }
  return undefined;
}

function numa(element: Element): unknown {
  return {
    localMemory: Number(element.attributes.local_memory ?? 0),
    pageTypes: element
      .all('page_type')
      .map(({ attributes }) => ({ size: Number(attributes.size), count: Number(attributes.count) })),
    memoryTier: undefined,
  };
}

function cache({ attributes }: Element): unknown {
  const ways = Number(attributes.cache_associativity);
  const line = Number(attributes.cache_linesize);
  return {
    size: Number(attributes.cache_size),
    depth: Number(attributes.depth),
    lineSize: line === 0 ? undefined : line,
    associativity: ways === -1 ? 'full' : ways === 0 ? undefined : ways,
    kind: ['unified', 'data', 'instruction'][Number(attributes.cache_type)],
    inclusive: undefined,
  };
}

function group({ attributes }: Element): unknown {
  return {
    // XML does not have it; it is tested for itself.
    depth: expectAnyNumber,
    kind: Number(attributes.kind),
    subkind: Number(attributes.subkind),
    dontMerge: attributes.dont_merge === '1',
  };
}

/** Equal, for vitest, to any number. */
const expectAnyNumber = { asymmetricMatch: (other: unknown) => typeof other === 'number' };

function pci({ attributes }: Element): unknown {
  const { pci_busid: busId = '', pci_type: type = '', pci_link_speed: speed } = attributes;
  const place = /^(\w+):(\w+):(\w+)\.(\w+)$/.exec(busId)?.slice(1) ?? [];
  const ids = /^(\w+) \[(\w+):(\w+)\] \[(\w+):(\w+)\] (\w+)$/.exec(type)?.slice(1) ?? [];
  const [domain, bus, device, pciFunction] = place.map((part) => parseInt(part, 16));
  const [classId, vendorId, deviceId, subvendorId, subdeviceId, revision] = ids.map((part) =>
    parseInt(part, 16),
  );
  return {
    busId,
    domain,
    bus,
    device,
    function: pciFunction,
    classId,
    progIf: undefined,
    vendorId,
    deviceId,
    subvendorId,
    subdeviceId,
    revision,
    linkSpeed: Number(speed) === 0 ? undefined : closeTo(Number(speed)),
  };
}

/** XML has six decimal places, and the field is a float. */
function closeTo(expected: number) {
  return {
    asymmetricMatch: (other: unknown) =>
      typeof other === 'number' && Math.abs(other - expected) <= 1e-6 + Math.abs(expected) * 1e-6,
  };
}

function bridge(element: Element): unknown {
  const { bridge_type: types = '', bridge_pci: buses = '', depth } = element.attributes;
  const [domain, secondaryBus, subordinateBus] =
    /^(\w+):\[(\w+)-(\w+)\]$/
      .exec(buses)
      ?.slice(1)
      .map((part) => parseInt(part, 16)) ?? [];
  return {
    upstream: types.startsWith('1-') ? { type: 'PCI', ...(pci(element) as object) } : { type: 'Host' },
    downstream: { type: 'PCI', domain, secondaryBus, subordinateBus },
    depth: Number(depth),
  };
}
