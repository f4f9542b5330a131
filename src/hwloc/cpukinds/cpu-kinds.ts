// Kinds of CPUs: performance and efficiency cores, and the like (hwloc/cpukinds.h).

import { CpuSet } from '../bitmap/bitmap.js';
import { HwlocError, invoke } from '../../libc/index.js';
import { bitsOfBitmap, withBitmap } from '../ffi/bitmaps.js';
import { libhwloc } from '../ffi/library.js';
import type { Info } from '../object/model.js';
import { type TopologyHandle, objectsOf, pointerOf } from '../topology/handle.js';

/** CPUs of the same kind. */
export interface CpuKind {
  /** Its place in the list: the less power-hungry kinds come first, if the efficiency is known. */
  readonly index: number;
  readonly cpuset: CpuSet;
  /** 0 for the kind with the least performance, ascending; `undefined` if it could not be ranked. */
  readonly efficiency: number | undefined;
  /** Such as `CoreType` and `FrequencyMaxMHz`. */
  readonly infos: readonly Info[];
}

/**
 * All kinds; an empty list if the platform does not report them.
 *
 * @throws NotSupportedError  before hwloc 2.4
 * @see hwloc_cpukinds_get_nr(), hwloc_cpukinds_get_info()
 */
export function cpuKinds(topology: TopologyHandle): readonly CpuKind[] {
  const name = 'hwloc_cpukinds_get_nr';
  const count = invoke(name, () => libhwloc().native(name)(pointerOf(topology), 0));
  return Array.from({ length: count }, (_, index) => cpuKind(topology, index));
}

function cpuKind(topology: TopologyHandle, index: number): CpuKind {
  const name = 'hwloc_cpukinds_get_info';
  const [efficiency, count, infos] = [[0], [0], [0]];
  const model = objectsOf(topology);
  // hwloc 3 returns a struct with array and count, hwloc 2 returns the two separately.
  const one = libhwloc().apiVersion >> 16 === 3;
  const out = one ? [efficiency, infos] : [efficiency, count, infos];
  const cpuset = withBitmap(undefined, (bitmap) => {
    invoke(name, () => libhwloc().native(name)(pointerOf(topology), index, bitmap, ...out, 0));
    return new CpuSet(bitsOfBitmap(bitmap));
  });
  const address = Number(infos[0]);
  const rank = efficiency[0] ?? -1;
  return Object.freeze({
    index,
    cpuset,
    efficiency: rank === -1 ? undefined : rank,
    infos: one
      ? model.infosAt(model.memory.uint64(address), model.memory.uint32(address + 8))
      : model.infosAt(address, count[0] ?? 0),
  });
}

/**
 * The kind to which all CPUs of a set belong; `undefined` if they belong to several kinds, or to none.
 *
 * @throws HwlocError  `EINVAL`: the set is empty
 * @see hwloc_cpukinds_get_by_cpuset()
 */
export function cpuKindOf(topology: TopologyHandle, set: CpuSet): CpuKind | undefined {
  const name = 'hwloc_cpukinds_get_by_cpuset';
  try {
    const index = withBitmap(set, (bitmap) =>
      invoke(name, () => libhwloc().native(name)(pointerOf(topology), bitmap, 0)),
    );
    return cpuKind(topology, index);
  } catch (error) {
    if (error instanceof HwlocError && (error.code === 'EXDEV' || error.code === 'ENOENT')) return undefined;
    throw error;
  }
}
