// Exports XML and synthetic descriptions, as libhwloc writes them (hwloc/export.h).

import { checkOptions, flag } from '../../check/index.js';
import { koffi, invoke } from '../../libc/index.js';
import { NotSupportedError } from '../errors.js';
import { libhwloc, versionText } from '../ffi/library.js';
import { type TopologyHandle, objectsOf, pointerOf } from '../topology/handle.js';

// enum hwloc_topology_export_synthetic_flags_e.
const NO_EXTENDED_TYPES = 1 << 0;
const NO_ATTRS = 1 << 1;

/** @see enum hwloc_topology_export_xml_flags_e */
export interface ExportXmlOptions {
  /** For readers that use hwloc 1.x. Some details are lost. Not with hwloc 3. */
  readonly v1?: boolean;
  /**
   * For readers that use hwloc 2.x. hwloc 2 always writes this format; hwloc 3 writes it only with this
   * option.
   */
  readonly v2?: boolean;
}

/** @see enum hwloc_topology_export_synthetic_flags_e */
export interface ExportSyntheticOptions {
  /** `Cache` instead of `L2Cache`, and the like: for hwloc before 1.9. */
  readonly noExtendedTypes?: boolean;
  /** No sizes and no indexes: for hwloc before 1.10. */
  readonly noAttributes?: boolean;
  /** NUMA nodes as levels: for hwloc 1.x. Not with hwloc 3. */
  readonly v1?: boolean;
  /** Only CPUs. */
  readonly ignoreMemory?: boolean;
}

const syntheticChecks = { noExtendedTypes: flag, noAttributes: flag, v1: flag, ignoreMemory: flag };

/** @see hwloc_topology_export_xmlbuffer() */
export function exportXml(topology: TopologyHandle, options: ExportXmlOptions): string {
  checkOptions('topology.exportXml', options, { v1: flag, v2: flag });
  const { v1 = false, v2 = false } = options;
  const { xmlV1, xmlV2 } = objectsOf(topology).layout.flags;
  const flags = v1 ? required(xmlV1, 'XML of version 1') : v2 ? xmlV2 : 0;
  const name = 'hwloc_topology_export_xmlbuffer';
  const buffer = [0];
  const length = [0];
  const { native } = libhwloc();
  invoke(name, () => native(name)(pointerOf(topology), buffer, length, flags));
  const address = buffer[0] ?? 0;
  try {
    // The length counts the NUL at the end.
    return koffi.decode.string(BigInt(address), (length[0] ?? 1) - 1);
  } finally {
    native('hwloc_free_xmlbuffer')(pointerOf(topology), address);
  }
}

/** @see hwloc_topology_export_synthetic() */
export function exportSynthetic(topology: TopologyHandle, options: ExportSyntheticOptions): string {
  checkOptions('topology.exportSynthetic', options, syntheticChecks);
  const { syntheticV1, syntheticIgnoreMemory } = objectsOf(topology).layout.flags;
  const flags =
    (options.noExtendedTypes === true ? NO_EXTENDED_TYPES : 0) |
    (options.noAttributes === true ? NO_ATTRS : 0) |
    (options.v1 === true ? required(syntheticV1, 'synthetic descriptions of version 1') : 0) |
    (options.ignoreMemory === true ? syntheticIgnoreMemory : 0);
  const name = 'hwloc_topology_export_synthetic';
  const { apiVersion } = libhwloc();
  if (options.ignoreMemory !== true && apiVersion < writesMemoryCaches && hasMemoryCaches(topology)) {
    const needed = `hwloc ${versionText(writesMemoryCaches)} or later can, or ignoreMemory leaves them out`;
    throw new NotSupportedError(
      name,
      `libhwloc ${versionText(apiVersion)} cannot write memory-side caches (${needed})`,
    );
  }
  const write = (buffer: Buffer) =>
    invoke(name, () => libhwloc().native(name)(pointerOf(topology), buffer, buffer.length, flags), {
      EINVAL: 'the topology is not symmetric, or has what a synthetic description cannot say',
    });
  // As with snprintf(), the result is the length that is needed.
  const length = write(Buffer.alloc(1));
  const buffer = Buffer.alloc(length + 1);
  write(buffer);
  return buffer.toString('utf8', 0, length);
}

/**
 * The first version that can describe memory-side caches. 2.9.0 looks for a cache's NUMA node among its
 * normal children, which fails an assertion and aborts the process.
 */
const writesMemoryCaches = 0x20c00;

/** HWLOC_TYPE_DEPTH_MEMCACHE. */
function hasMemoryCaches(topology: TopologyHandle): boolean {
  return Number(libhwloc().native('hwloc_get_nbobjs_by_depth')(pointerOf(topology), -8)) > 0;
}

function required(flag: number | undefined, what: string): number {
  if (flag !== undefined) return flag;
  throw new NotSupportedError(what, 'this libhwloc does not write it any more');
}
