// Exports the whole topology as JSON, a format that hwloc itself does not have. docs/topology.schema.json
// describes it.

import type { ObjectAttributes } from '../object/attributes.js';
import { CpuSet } from '../bitmap/bitmap.js';
import { NotSupportedError } from '../errors.js';
import { versionText, libhwloc } from '../ffi/library.js';
import type { TopologyObject } from '../object/kinds.js';
import type { Info } from '../object/model.js';
import type { MemoryAttribute } from '../memattrs/memory-attribute.js';
import type { TopologyHardware } from '../topology/hardware.js';
import type { Support } from '../topology/support.js';

/** A type whose keys that may be undefined are optional instead. */
export type Compact<Value> = Value extends unknown
  ? { readonly [Key in keyof Value as undefined extends Value[Key] ? never : Key]: Value[Key] } & {
      readonly [Key in keyof Value as undefined extends Value[Key] ? Key : never]?: Exclude<
        Value[Key],
        undefined
      >;
    }
  : never;

/**
 * An object and all objects below it. Unknown and empty values are left out. Sets are lists such as `0-3,8`.
 */
export interface ObjectJson {
  readonly type: string;
  /** Only if the type is `Unknown`. */
  readonly typeNumber?: number;
  readonly subtype?: string;
  readonly name?: string;
  readonly osIndex?: number;
  readonly logicalIndex: number;
  readonly depth: number;
  readonly gpIndex: number;
  readonly totalMemory?: number;
  readonly symmetricSubtree?: boolean;
  readonly cpuset?: string;
  readonly completeCpuset?: string;
  readonly nodeset?: string;
  readonly completeNodeset?: string;
  readonly attributes?: Compact<ObjectAttributes>;
  readonly infos?: readonly Info[];
  readonly children?: readonly ObjectJson[];
  readonly memoryChildren?: readonly ObjectJson[];
  readonly ioChildren?: readonly ObjectJson[];
  readonly miscChildren?: readonly ObjectJson[];
}

/** A matrix of distances. Its objects are given by their `gpIndex`. */
export interface DistancesJson {
  readonly name?: string;
  readonly from?: string;
  readonly means?: string;
  readonly heterogeneousTypes: boolean;
  readonly objects: readonly number[];
  readonly values: readonly (readonly number[])[];
}

/** A memory attribute that has values. Objects are given by their `gpIndex`. */
export interface MemoryAttributeJson {
  readonly id: number;
  readonly name: string;
  readonly better: 'higher' | 'lower';
  readonly needsInitiator: boolean;
  readonly values: readonly {
    readonly target: number;
    readonly initiatorCpuset?: string;
    readonly initiatorObject?: number;
    readonly value: number;
  }[];
}

export interface CpuKindJson {
  readonly cpuset: string;
  readonly efficiency?: number;
  readonly infos: readonly Info[];
}

/** The result of a topology's `toJSON()`. */
export interface TopologyJson {
  /** The version of this format. A reader should refuse a version that it does not know. */
  readonly version: 1;
  /** The API version of the libhwloc in use, such as `2.8`. */
  readonly hwlocApi: string;
  /** The ABI word, such as `0x20400`. */
  readonly abi: string;
  readonly isThisSystem: boolean;
  readonly allowedCpuset: string;
  readonly allowedNodeset: string;
  readonly support: Support;
  readonly infos: readonly Info[];
  readonly root: ObjectJson;
  readonly distances: readonly DistancesJson[];
  readonly memoryAttributes: readonly MemoryAttributeJson[];
  readonly cpuKinds: readonly CpuKindJson[];
}

export function topologyJson(topology: TopologyHardware): TopologyJson {
  return {
    version: 1,
    hwlocApi: versionText(libhwloc().apiVersion),
    abi: `0x${topology.abi.toString(16)}`,
    isThisSystem: topology.isThisSystem,
    allowedCpuset: topology.allowedCpuset.toListString(),
    allowedNodeset: topology.allowedNodeset.toListString(),
    support: topology.support,
    infos: topology.infos,
    root: objectJson(topology.root),
    distances: topology.distances().map(({ name, kind, objects, values }) =>
      compact({
        name,
        from: kind.from,
        means: kind.means,
        heterogeneousTypes: kind.heterogeneousTypes,
        objects: objects.map(({ gpIndex }) => gpIndex),
        values,
      }),
    ),
    memoryAttributes: known(() => topology.memoryAttributes)
      .map(memoryAttributeJson)
      .filter(({ values }) => values.length > 0),
    cpuKinds: known(() => topology.cpuKinds).map(({ cpuset, efficiency, infos }) =>
      compact({ cpuset: cpuset.toListString(), efficiency, infos }),
    ),
  };
}

export function objectJson(object: TopologyObject): ObjectJson {
  return compact({
    type: object.type,
    typeNumber: object.type === 'Unknown' ? object.typeNumber : undefined,
    subtype: object.subtype,
    name: object.name,
    osIndex: object.osIndex,
    logicalIndex: object.logicalIndex,
    depth: object.depth,
    gpIndex: object.gpIndex,
    totalMemory: object.totalMemory === 0 ? undefined : object.totalMemory,
    symmetricSubtree: object.symmetricSubtree ? true : undefined,
    cpuset: object.cpuset?.toListString(),
    completeCpuset: object.completeCpuset?.toListString(),
    nodeset: object.nodeset?.toListString(),
    completeNodeset: object.completeNodeset?.toListString(),
    attributes: object.attributes && compact(object.attributes),
    infos: filled(object.infos),
    children: filled(object.children.map(objectJson)),
    memoryChildren: filled(object.memoryChildren.map(objectJson)),
    ioChildren: filled(object.ioChildren.map(objectJson)),
    miscChildren: filled(object.miscChildren.map(objectJson)),
  });
}

function memoryAttributeJson(attribute: MemoryAttribute): MemoryAttributeJson {
  const { id, name, better, needsInitiator } = attribute;
  const values = attribute.targets().flatMap(({ target, value }) => {
    if (!needsInitiator) return [{ target: target.gpIndex, value }];
    return attribute.initiators(target).map(({ initiator, value: seen }) => ({
      target: target.gpIndex,
      ...(initiator instanceof CpuSet
        ? { initiatorCpuset: initiator.toListString() }
        : { initiatorObject: initiator.gpIndex }),
      value: seen,
    }));
  });
  return { id, name, better, needsInitiator, values };
}

/** A list, or an empty one if this version of hwloc does not have the function. */
function known<Item>(list: () => readonly Item[]): readonly Item[] {
  try {
    return list();
  } catch (error) {
    if (error instanceof NotSupportedError) return [];
    throw error;
  }
}

function filled<Item>(list: readonly Item[]): readonly Item[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** Removes keys whose value is undefined, as JSON does. */
function compact<Value extends object>(value: Value): Compact<Value> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Compact<Value>;
}
