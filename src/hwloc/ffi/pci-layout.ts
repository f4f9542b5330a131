// Finds the layout of bridges and PCI devices. hwloc 2.2 and later can be built with
// --enable-32bits-pci-domain. The ABI word stays the same, but the attributes are at other offsets: those of
// hwloc 3. An object with known values shows which build it is.
//
// Source: HWLOC_HAVE_32BITS_PCI_DOMAIN in hwloc.h.

import { NotSupportedError } from '../errors.js';
import { invoke } from '../../libc/index.js';
import type { AttributeOffsets, Layout } from './layout.js';
import { layout2 } from './layout-2.js';
import { layout3 } from './layout-3.js';
import { libhwloc } from './library.js';
import type { Memory } from './memory.js';

const HWLOC_TYPE_DEPTH_BRIDGE = -4;
const HWLOC_TYPE_FILTER_KEEP_ALL = 0;
/** The downstream side of every bridge. */
const HWLOC_OBJ_BRIDGE_PCI = 1;

let wide: Layout | undefined;

/** hwloc 2 with 32-bit PCI domains. */
function layout2Wide(): Layout {
  if (wide !== undefined) return wide;
  const { pci, bridge } = layout3().attributes;
  // hwloc 2 does not keep the programming interface.
  const attributes = { ...layout2().attributes, pci: { ...pci, progIf: undefined }, bridge };
  return (wide = { ...layout2(), attributes });
}

/**
 * The table for the bridges and PCI devices of a topology. An adopted topology has the layout of the writer's
 * libhwloc.
 *
 * @throws NotSupportedError  the layout cannot be determined.
 */
export function pciLayoutOf(topology: number, memory: Memory, layout: Layout): Layout {
  if (layout !== layout2() || libhwloc().apiVersion < 0x20200) return layout;
  const isWide = hasWideBridges(topology, memory) ?? withOneBridge((other) => hasWideBridges(other, memory));
  if (isWide !== undefined) return isWide ? layout2Wide() : layout;
  throw new NotSupportedError(
    'attributes of PCI devices',
    'libhwloc may have been built with --enable-32bits-pci-domain, or not; load the topology with its bridges',
  );
}

/** undefined: the topology has no bridges. */
function hasWideBridges(topology: number, memory: Memory): boolean | undefined {
  const bridge = Number(libhwloc().native('hwloc_get_obj_by_depth')(topology, HWLOC_TYPE_DEPTH_BRIDGE, 0));
  if (bridge === 0) return undefined;
  const attributes = memory.uint64(bridge + layout2().object.attributes);
  const isAt = (offsets: AttributeOffsets) =>
    memory.uint32(attributes + offsets.bridge.downstreamType) === HWLOC_OBJ_BRIDGE_PCI;
  // In the wide layout, the two bus numbers are where the narrow layout has the type. They are never 1 and 0
  // in this order.
  if (isAt(layout2().attributes)) return false;
  return isAt(layout2Wide().attributes) ? true : undefined;
}

/**
 * Runs `body` on a topology with one bridge. For topologies whose bridges were filtered out; the loaded
 * libhwloc makes the bridge.
 */
function withOneBridge(body: (topology: number) => boolean | undefined): boolean | undefined {
  const { native } = libhwloc();
  const created = [0];
  invoke('hwloc_topology_init', () => native('hwloc_topology_init')(created));
  const topology = created[0] ?? 0;
  try {
    const isLoaded =
      native('hwloc_topology_set_xmlbuffer')(topology, oneBridge, oneBridge.length + 1) === 0 &&
      native('hwloc_topology_set_io_types_filter')(topology, HWLOC_TYPE_FILTER_KEEP_ALL) === 0 &&
      native('hwloc_topology_load')(topology) === 0;
    return isLoaded ? body(topology) : undefined;
  } finally {
    native('hwloc_topology_destroy')(topology);
  }
}

const sets = ['cpuset', 'complete_cpuset', 'nodeset', 'complete_nodeset']
  .map((name) => `${name}="0x1"`)
  .join(' ');
const oneBridge =
  `<topology version="2.0"><object type="Machine" os_index="0" ${sets} allowed_cpuset="0x1" allowed_nodeset="0x1" gp_index="1">` +
  `<object type="NUMANode" os_index="0" ${sets} gp_index="2" local_memory="4096"/><object type="PU" os_index="0" ${sets} gp_index="3"/>` +
  `<object type="Bridge" gp_index="4" bridge_type="0-1" depth="0" bridge_pci="0000:[00-02]"/></object></topology>`;
