// Offsets of the fields of hwloc's public structs: one table for each ABI, chosen by the ABI word of the
// topology.

import { koffi } from '../../libc/index.js';
import { LibhwlocUnsupportedError } from '../errors.js';
import { layout2 } from './layout-2.js';
import { layout3 } from './layout-3.js';

/** Offsets in bytes, and the numbers of enums, of one ABI. */
export interface Layout {
  /** `hwloc_obj_type_t`: the names, as hwloc_obj_type_string() spells them, in the order of their numbers. */
  readonly types: readonly string[];
  /** `struct hwloc_obj`. */
  readonly object: ObjectOffsets;
  /** `union hwloc_obj_attr_u`. */
  readonly attributes: AttributeOffsets;
  /** The names of the bytes of the four support structs. */
  readonly support: SupportNames;
  /** Bits that one ABI moved or added; `undefined`: this ABI does not have the bit. */
  readonly flags: {
    readonly xmlV1: number | undefined;
    readonly xmlV2: number;
    readonly syntheticV1: number | undefined;
    readonly syntheticIgnoreMemory: number;
  };
}

export interface ObjectOffsets {
  readonly type: number;
  readonly subtype: number;
  readonly osIndex: number;
  readonly name: number;
  readonly totalMemory: number;
  readonly attributes: number;
  readonly depth: number;
  readonly logicalIndex: number;
  readonly nextCousin: number;
  readonly previousCousin: number;
  readonly parent: number;
  readonly siblingRank: number;
  readonly nextSibling: number;
  readonly previousSibling: number;
  readonly arity: number;
  readonly children: number;
  readonly firstChild: number;
  readonly lastChild: number;
  readonly symmetricSubtree: number;
  readonly memoryArity: number;
  readonly memoryFirstChild: number;
  readonly ioArity: number;
  readonly ioFirstChild: number;
  readonly miscArity: number;
  readonly miscFirstChild: number;
  readonly cpuset: number;
  readonly completeCpuset: number;
  readonly nodeset: number;
  readonly completeNodeset: number;
  readonly infos: number;
  readonly infosCount: number;
  readonly gpIndex: number;
}

export interface AttributeOffsets {
  readonly numa: {
    readonly localMemory: number;
    /** hwloc 3.0 has no page types. */
    readonly pageTypes: { readonly count: number; readonly array: number } | undefined;
    /** Since hwloc 3.0, like the next two fields. */
    readonly memoryTier: number | undefined;
  };
  readonly core: { readonly cpuKind: number } | undefined;
  readonly cache: {
    readonly size: number;
    readonly depth: number;
    readonly lineSize: number;
    readonly associativity: number;
    readonly kind: number;
    readonly inclusive: number | undefined;
  };
  readonly group: {
    readonly depth: number;
    readonly kind: number;
    readonly subkind: number;
    readonly dontMerge: number;
  };
  readonly pci: PciOffsets;
  readonly bridge: {
    readonly upstreamType: number;
    readonly domain: number;
    readonly secondaryBus: number;
    readonly subordinateBus: number;
    readonly downstreamType: number;
    readonly depth: number;
  };
  readonly osDevice: {
    readonly types: number;
    /** Whether the field holds one bit for each type, instead of the number of a single type. */
    readonly bits: boolean;
    /** The names of the types, by number or by bit. */
    readonly names: readonly string[];
  };
}

export interface PciOffsets {
  readonly domain: number;
  /** Bytes of the PCI domain, here and in the downstream side of a bridge. */
  readonly domainBytes: 2 | 4;
  readonly bus: number;
  readonly device: number;
  readonly function: number;
  /** hwloc 2 does not keep the programming interface. */
  readonly progIf: number | undefined;
  readonly classId: number;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly subvendorId: number;
  readonly subdeviceId: number;
  readonly revision: number;
  readonly linkSpeed: number;
}

export interface SupportNames {
  readonly discovery: readonly string[];
  readonly cpubind: readonly string[];
  readonly membind: readonly string[];
  readonly misc: readonly string[];
}

/**
 * The table for an ABI word.
 *
 * All of 2.x has one table: `struct hwloc_obj` is public, and the soname (libhwloc.so.15) did not change. The
 * header of 2.0.1 has the same fields in the same order as the header of 2.9. The ABI word's changes within
 * 2.x (0x20000, … 0x20400) are about the private `struct hwloc_topology`.
 *
 * @throws LibhwlocUnsupportedError  this binding does not know the ABI, or pointers of this system do not
 *   have 8 bytes
 */
export function layoutOf(abi: number): Layout {
  const hex = `of ABI 0x${abi.toString(16)}`;
  if (koffi.sizeof('void *') !== 8)
    throw new LibhwlocUnsupportedError('libhwloc', `${hex} with 32-bit pointers`);
  if (abi >> 16 === 2) return layout2();
  if (abi === 0x30000) return layout3();
  throw new LibhwlocUnsupportedError('libhwloc', hex);
}
