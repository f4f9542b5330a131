// The types of `object.attributes`: what objects of each type have in addition to the common fields.

/** Pages of one size. */
export interface PageType {
  /** Bytes of a page. */
  readonly size: number;
  /** Pages of this size; 0 also if unknown. */
  readonly count: number;
}

/** @see struct hwloc_numanode_attr_s */
export interface NumaNodeAttributes {
  /** Bytes of memory of this node, exact to 2^53 (8 PiB). */
  readonly localMemory: number;
  /** By ascending size. Empty where unknown, and with hwloc 3 (its infos of the topology have `PageSizes`). */
  readonly pageTypes: readonly PageType[];
  /** 0 for the memory with the highest bandwidth; with hwloc 3 only (the infos of hwloc 2.10 and later have `MemoryTier`). */
  readonly memoryTier: number | undefined;
}

/** With hwloc 3 only. @see struct hwloc_core_attr_s */
export interface CoreAttributes {
  /** The index of its CPU kind; `undefined` if unknown. */
  readonly cpuKind: number | undefined;
}

/** @see struct hwloc_cache_attr_s */
export interface CacheAttributes {
  /** Bytes, exact to 2^53. */
  readonly size: number;
  /** 1 for an L1 cache, and so on. */
  readonly depth: number;
  /** Bytes of a line; `undefined` if unknown. */
  readonly lineSize: number | undefined;
  /** Ways; `undefined` if unknown. */
  readonly associativity: number | 'full' | undefined;
  readonly kind: 'unified' | 'data' | 'instruction';
  /**
   * Whether it holds everything that the caches below hold; with hwloc 3 only (the infos of hwloc 2 may have
   * `Inclusive`).
   */
  readonly inclusive: boolean | undefined;
}

/** @see struct hwloc_group_attr_s */
export interface GroupAttributes {
  /** How many groups are above; not the depth of the object. */
  readonly depth: number;
  /** hwloc's internal number for the reason of the group. */
  readonly kind: number;
  readonly subkind: number;
  /** Whether hwloc was told not to merge it with an equal parent or child. */
  readonly dontMerge: boolean;
}

/** The address and identity of a PCI device. @see struct hwloc_pcidev_attr_s */
export interface PciAttributes {
  /** `0000:04:00.1`: domain, bus, device and function in hexadecimal. */
  readonly busId: string;
  readonly domain: number;
  readonly bus: number;
  readonly device: number;
  readonly function: number;
  /** Class and subclass: 0x0200 is an Ethernet controller. */
  readonly classId: number;
  /** The programming interface, the class's third byte. `undefined` with hwloc 2, which does not keep it. */
  readonly progIf: number | undefined;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly subvendorId: number;
  readonly subdeviceId: number;
  readonly revision: number;
  /** GB/s; `undefined` if unknown. */
  readonly linkSpeed: number | undefined;
}

/** The upper side of a bridge: the host, or a PCI device of its own. */
export type BridgeUpstream = { readonly type: 'Host' } | ({ readonly type: 'PCI' } & PciAttributes);

/** The PCI buses below a bridge. */
export interface BridgeDownstream {
  readonly type: 'PCI';
  readonly domain: number;
  /** The first bus below. */
  readonly secondaryBus: number;
  /** The last bus below. */
  readonly subordinateBus: number;
}

/** @see struct hwloc_bridge_attr_s */
export interface BridgeAttributes {
  readonly upstream: BridgeUpstream;
  readonly downstream: BridgeDownstream;
  /** How many bridges are above. */
  readonly depth: number;
}

/** The kinds of OS device: `Block` with hwloc 2 only, `Storage` and `Memory` with hwloc 3. */
export type OsDeviceType =
  'Block' | 'Storage' | 'Memory' | 'GPU' | 'Network' | 'OpenFabrics' | 'DMA' | 'CoProc';

/** @see struct hwloc_osdev_attr_s */
export interface OsDeviceAttributes {
  /** One type with hwloc 2, one or more with hwloc 3; none if this binding does not know the type. */
  readonly types: readonly OsDeviceType[];
}

/** The attributes of any type. */
export type ObjectAttributes =
  | NumaNodeAttributes
  | CoreAttributes
  | CacheAttributes
  | GroupAttributes
  | PciAttributes
  | BridgeAttributes
  | OsDeviceAttributes;
