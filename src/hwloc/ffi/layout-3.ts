// hwloc 3.0: the same table for its structs. It was compared with a development version (3.0.0a1): the C API
// gave the same value for every field of every object. No release is packaged yet.
//
// Sources: the structs as the generated bindings of LWJGL declare them from hwloc's master (lwjgl3,
// modules/lwjgl/hwloc, hwlocTypes.kt and HWLoc.java, de972fac); pyhwloc's structs
// (src/pyhwloc/hwloc/core.py); "Upgrading to the hwloc 3.0 API" in hwloc's manual; and hwloc#744, which
// removed the page types after pyhwloc was written. The offsets follow from the rules of the C ABI;
// test/hwloc/ffi holds the offsets that a C compiler computed from the declarations.

import type { Layout } from './layout.js';
import { layout2, object2 } from './layout-2.js';

let table: Layout | undefined;

/** Built at its first use. */
export function layout3(): Layout {
  return (table ??= make());
}

const make = (): Layout => ({
  types: [
    'Machine',
    'Package',
    'Die',
    'Core',
    'PU',
    'L1Cache',
    'L2Cache',
    'L3Cache',
    'L4Cache',
    'L5Cache',
    'L1iCache',
    'L2iCache',
    'L3iCache',
    'Group',
    'NUMANode',
    'MemCache',
    'Bridge',
    'PCIDev',
    'OSDev',
    'Misc',
  ],
  object: object2(),
  attributes: {
    numa: { localMemory: 0, pageTypes: undefined, memoryTier: 8 },
    core: { cpuKind: 0 },
    cache: { size: 0, kind: 8, depth: 12, lineSize: 16, associativity: 20, inclusive: 24 },
    group: layout2().attributes.group,
    pci: {
      domain: 0,
      domainBytes: 4,
      bus: 4,
      device: 5,
      function: 6,
      progIf: 7,
      classId: 8,
      vendorId: 10,
      deviceId: 12,
      subvendorId: 14,
      subdeviceId: 16,
      revision: 18,
      linkSpeed: 20,
    },
    bridge: {
      upstreamType: 24,
      domain: 28,
      secondaryBus: 32,
      subordinateBus: 33,
      downstreamType: 36,
      depth: 40,
    },
    osDevice: {
      types: 0,
      bits: true,
      names: ['Storage', 'Memory', 'GPU', 'CoProc', 'Network', 'OpenFabrics', 'DMA'],
    },
  },
  support: {
    ...layout2().support,
    membind: [
      'setThisProcess',
      'getThisProcess',
      'setProcess',
      'getProcess',
      'setThisThread',
      'getThisThread',
      'allocate',
      'setArea',
      'getArea',
      'getAreaLocation',
      'firstTouch',
      'bind',
      'interleave',
      'weightedInterleave',
      'nextTouch',
      'migrate',
    ],
  },
  flags: { xmlV1: undefined, xmlV2: 1 << 1, syntheticV1: undefined, syntheticIgnoreMemory: 1 << 2 },
});
