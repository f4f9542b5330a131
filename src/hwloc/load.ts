// Loads a topology: discovers this machine, or reads a file or a description, without blocking the event
// loop.

import { accessSync, constants, statSync } from 'node:fs';
import { type Check, check, checkOptions, flag, oneOf, shown, text } from '../check/index.js';
import { environment } from '../environment/index.js';
import { HwlocError, failure, invoke, withVariables, callOnOwnThread } from '../libc/index.js';
import { libhwloc } from './ffi/library.js';
import { Opened } from './topology/handle.js';
import { Topology } from './topology/topology.js';
import { type ObjectType, isInUse, typeCheck, typeNumber } from './object/types.js';
import { whyFileUnreadable, whyUnreadable } from './xml-format.js';

// enum hwloc_topology_flags_e in hwloc.h.
const INCLUDE_DISALLOWED = 1 << 0;
const IS_THISSYSTEM = 1 << 1;

// enum hwloc_topology_components_flag_e in hwloc.h.
const BLACKLIST = 1 << 0;

/** Which objects of a type are kept. @see enum hwloc_type_filter_e in hwloc.h */
export type TypeFilter = 'all' | 'none' | 'structure' | 'important';
const filterNumber: Record<TypeFilter, number> = { all: 0, none: 1, structure: 2, important: 3 };

/**
 * The source of a topology. Without a source: this machine, or what hwloc's own environment variables name.
 */
export type TopologySource =
  | { readonly xml: string }
  | { readonly xmlFile: string }
  | { readonly synthetic: string }
  /** A directory with the /proc and /sys of another Linux, as hwloc-gather-topology saves them. */
  | { readonly fsroot: string };

/** How a topology is loaded. */
export interface LoadOptions {
  /** Default: this machine, or what HWLOC_XMLFILE, HWLOC_FSROOT, HWLOC_CPUID_PATH or HWLOC_SYNTHETIC say. */
  readonly source?: TopologySource;
  /** Bridges, PCI and OS devices: `important` keeps those that lstopo shows. Default: `important`. */
  readonly io?: TypeFilter;
  /** Filters of other types, in place of hwloc's defaults. Types that this libhwloc does not have are ignored. @see hwloc_topology_set_type_filter() */
  readonly filters?: Partial<Record<ObjectType, TypeFilter>>;
  /** Also keep what the cgroup of this process does not allow. Default: false. */
  readonly includeDisallowed?: boolean;
  /** The source describes this machine, so binding works. Default: true only if nothing names another topology. */
  readonly isThisSystem?: boolean;
}

/**
 * Loads a topology on another thread; the event loop goes on.
 *
 * Loading this machine takes a few milliseconds to several seconds; it depends on the size of the machine, and on how many processes load at
 * the same time. A load of `fsroot` blocks the event loop, since libhwloc reads it from a variable, which must be gone before the next load.
 *
 * The load may never end, if a plugin of hwloc waits for a device or a display. {@link loadWithin} does not wait forever.
 *
 * @throws InvalidArgumentError
 * @throws HwlocError  `EINVAL`: the source is not what hwloc can read. `ENOENT`: no such file.
 * @see hwloc_topology_load()
 */
export async function loadTopology(options: LoadOptions = {}): Promise<Topology> {
  const load = beginLoad(options);
  for (;;) {
    const topology = await load.within(Infinity);
    if (topology !== undefined) return topology;
  }
}

/** A load that is running. */
export interface Load {
  /**
   * Waits for the topology.
   *
   * @param isOver  Whether the topology is no longer wanted; asked a few times a second.
   * @returns undefined if the topology is not ready within so many milliseconds. The load continues, and can
   *   be waited for again.
   * @throws HwlocError  the load failed.
   */
  readonly within: (milliseconds: number, isOver?: () => boolean) => Promise<Topology | undefined>;
}

/**
 * Starts to load a topology.
 *
 * @param without  Components of hwloc to leave out, such as `gl`. Components that libhwloc does not know are
 *   ignored.
 * @throws InvalidArgumentError, HwlocError
 */
export function beginLoad(options: LoadOptions, without: readonly string[] = []): Load {
  checkLoadOptions(options);
  const { native, addressOf } = libhwloc();
  const created = [0];
  invoke('hwloc_topology_init', () => native('hwloc_topology_init')(created));
  const pointer = created[0] ?? 0;
  const finish = (result: number | undefined) => {
    if (result === undefined) return undefined;
    if (result >= 0) return new Topology(new Opened(pointer));
    native('hwloc_topology_destroy')(pointer);
    // The errno of the other thread is lost. It is EINVAL for everything that hwloc cannot read.
    throw explained(failure('hwloc_topology_load', 0, advice), options.source);
  };
  const loadHere = () => Number(native('hwloc_topology_load')(pointer));
  try {
    configure(pointer, options);
    for (const name of without) native('hwloc_topology_set_components')(pointer, BLACKLIST, name);
  } catch (error) {
    native('hwloc_topology_destroy')(pointer);
    throw explained(error, options.source);
  }
  const { source } = options;
  const thread =
    source !== undefined && 'fsroot' in source
      ? undefined
      : callOnOwnThread(addressOf('hwloc_topology_load'), pointer);
  if (thread !== undefined) {
    return { within: async (...limit) => finish(await thread.within(...limit)) };
  }
  const result =
    source !== undefined && 'fsroot' in source
      ? withVariables(variablesFor(source.fsroot), loadHere)
      : loadHere();
  return { within: () => Promise.resolve(result).then(finish) };
}

/** Adds the reason to the error: libhwloc answers EINVAL to all XML that it cannot read. */
function explained(error: unknown, source: TopologySource | undefined): unknown {
  if (!(error instanceof HwlocError) || error.code !== 'EINVAL') return error;
  const read = source ?? { xmlFile: environment().HWLOC_XMLFILE ?? '' };
  const why =
    'xml' in read ? whyUnreadable(read.xml) : 'xmlFile' in read ? whyFileUnreadable(read.xmlFile) : undefined;
  return why === undefined ? error : new HwlocError(error.function, error.code, why);
}

const advice = {
  EINVAL: 'the XML file, synthetic description or system files could not be read as a topology',
};

/**
 * The variables that make libhwloc read another system's files, and nothing else. @see hwloc's manual,
 * "Environment Variables"
 */
function variablesFor(fsroot: string): Record<string, string | undefined> {
  return {
    HWLOC_FSROOT: fsroot,
    // Without the x86 component, which would ask the CPUs of this machine.
    HWLOC_COMPONENTS: 'linux,stop',
    HWLOC_XMLFILE: undefined,
    HWLOC_SYNTHETIC: undefined,
    HWLOC_CPUID_PATH: undefined,
  };
}

const filterCheck = oneOf(Object.keys(filterNumber));
const sources = ['xml', 'xmlFile', 'synthetic', 'fsroot'];
const sourceCheck: Check = (value) => {
  const [given, ...others] = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  const isFine = given !== undefined && others.length === 0 && sources.includes(given[0]);
  return isFine && text(given[1]) === undefined
    ? undefined
    : `an object with one text: ${sources.join(', ')}`;
};

/** @throws InvalidArgumentError */
function checkLoadOptions(options: LoadOptions): void {
  checkOptions('loadTopology', options, {
    source: sourceCheck,
    io: filterCheck,
    filters: (value) =>
      typeof value === 'object' && value !== null ? undefined : 'an object of filters by type',
    includeDisallowed: flag,
    isThisSystem: flag,
  });
  for (const [type, filter] of Object.entries(options.filters ?? {})) {
    check('the type of a filter', type, typeCheck);
    check(`the filter of ${type}`, filter, filterCheck);
  }
}

/**
 * Checks that the source exists. libhwloc itself would fail later without an errno, or take a missing
 * directory for an empty machine. @throws HwlocError
 */
function checkIsThere(source: TopologySource): void {
  if (!('xmlFile' in source || 'fsroot' in source)) return;
  const isFolder = 'fsroot' in source;
  const code = problemOf(isFolder ? source.fsroot : source.xmlFile, isFolder);
  if (code !== undefined) throw new HwlocError(`loadTopology({ source: ${shown(source)} })`, code);
}

/** The name of the errno with which reading a file or directory fails. */
function problemOf(path: string, isFolder: boolean): string | undefined {
  try {
    accessSync(path, constants.R_OK);
    if (statSync(path).isDirectory() === isFolder) return undefined;
    return isFolder ? 'ENOTDIR' : 'EISDIR';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'EIO';
  }
}

function configure(pointer: number, options: LoadOptions): void {
  const { native } = libhwloc();
  const { source } = options;
  if (source !== undefined) checkIsThere(source);
  const set = (name: Parameters<typeof native>[0], ...args: unknown[]) =>
    invoke(name, () => native(name)(pointer, ...args));
  if (source !== undefined && 'xml' in source) {
    // The length includes the NUL at the end, which koffi adds to a string.
    set('hwloc_topology_set_xmlbuffer', source.xml, Buffer.byteLength(source.xml) + 1);
  } else if (source !== undefined && 'xmlFile' in source) {
    set('hwloc_topology_set_xml', source.xmlFile);
  } else if (source !== undefined && 'synthetic' in source) {
    set('hwloc_topology_set_synthetic', source.synthetic);
  }

  const flags =
    (options.includeDisallowed === true ? INCLUDE_DISALLOWED : 0) |
    (options.isThisSystem === true ? IS_THISSYSTEM : 0);
  if (flags !== 0) set('hwloc_topology_set_flags', flags);

  set('hwloc_topology_set_io_types_filter', filterNumber[options.io ?? 'important']);
  for (const [type, filter] of Object.entries(options.filters ?? {}) as [ObjectType, TypeFilter][]) {
    const name = 'hwloc_topology_set_type_filter';
    if (!isInUse(type)) continue;
    invoke(name, () => native(name)(pointer, typeNumber(type), filterNumber[filter]), {
      EINVAL: `${type} objects cannot be filtered by '${filter}'`,
    });
  }
}
