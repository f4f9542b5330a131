// A topology: loaded from this machine or from a description, or adopted from a file that another process wrote.

import { inspect } from 'node:util';
import { check, wholeWithin } from '../../check/index.js';
import { indexCheck } from '../arguments.js';
import { NotSupportedError } from '../errors.js';
import { type TopologyJson, topologyJson } from '../export/json.js';
import {
  type ExportSyntheticOptions,
  type ExportXmlOptions,
  exportSynthetic,
  exportXml,
} from '../export/xml.js';
import { invoke } from '../../libc/index.js';
import { libhwloc } from '../ffi/library.js';
import { objectTypes } from '../object/types.js';
import { type Segment, shmemAdopt, shmemAdoptUnsealed, shmemLength, shmemWrite } from '../shmem.js';
import { TopologyBinding } from './binding.js';
import { Opened, pointerOf } from './handle.js';

/**
 * A topology, read-only.
 *
 * `loadTopology` and `adoptTopology` make one. Close it when you do not use it any more. After `close()` every use of it or of its
 * objects throws {@link TopologyClosedError}. An object of another topology throws {@link ForeignObjectError}.
 *
 * Its base classes follow the chapters of hwloc's manual: levels, locality, hardware, binding.
 */
export class Topology extends TopologyBinding {
  #sharedLength: number | undefined;

  /**
   * The topology as XML, in hwloc's format 2 (3 with hwloc 3), or in format 1.
   *
   * @throws NotSupportedError  format 1, with hwloc 3
   * @see hwloc_topology_export_xmlbuffer()
   */
  exportXml(options: ExportXmlOptions = {}): string {
    return exportXml(this, options);
  }

  /**
   * The topology as a synthetic description, `Package:2 Core:4 PU:2`, from which hwloc can make a similar one.
   *
   * @throws HwlocError  `EINVAL`: the topology is not symmetric
   * @throws NotSupportedError  `v1`, with hwloc 3; memory-side caches, without `ignoreMemory`, before hwloc 2.12
   * @see hwloc_topology_export_synthetic()
   */
  exportSynthetic(options: ExportSyntheticOptions = {}): string {
    return exportSynthetic(this, options);
  }

  /** The whole topology for `JSON.stringify`, as docs/topology.schema.json describes it. */
  toJSON(): TopologyJson {
    return topologyJson(this);
  }

  /** The number of bytes that {@link writeTo} needs. @see hwloc_shmem_topology_get_length() */
  sharedLength(): number {
    // Kept: libhwloc copies the whole topology to compute it.
    return (this.#sharedLength ??= shmemLength(pointerOf(this)));
  }

  /**
   * Writes the topology into a file, so that other processes can adopt it.
   *
   * @throws NotSupportedError  this topology was itself adopted
   * @throws HwlocError  `EBUSY`: something is mapped in the range. `ENOSPC`: the file system cannot hold the
   *   bytes. `EINVAL`: a number is not a multiple of the page size.
   * @see hwloc_shmem_topology_write()
   */
  writeTo(segment: Segment): void {
    const pointer = pointerOf(this);
    if (this.adoptedFrom !== undefined) {
      throw new NotSupportedError(
        'hwloc_shmem_topology_write',
        'an adopted topology cannot be written again',
      );
    }
    checkSegment(segment);
    // libhwloc does not check the length: it would write beyond the end.
    check('length', segment.length, wholeWithin(this.sharedLength()));
    shmemWrite(pointer, segment);
  }

  /** What `console.log()` prints for it, as in `${topology}`. */
  override toString(): string {
    return inspect(this);
  }

  /** @internal For console.log() and util.inspect(). */
  [inspect.custom](): string {
    if (this.closed) return '<Topology (closed)>';
    const counts = objectTypes.flatMap((type) =>
      this.count(type) === 0 ? [] : [`${this.count(type)} ${type}`],
    );
    const segment = this.adoptedFrom;
    const origin =
      segment === undefined
        ? 'loaded'
        : `adopted at 0x${segment.address.toString(16)}, ${segment.length / 1024} KiB`;
    return `<Topology: ${counts.join(', ')}; ${origin}${this.isThisSystem ? ', of this system' : ''}>`;
  }
}

/**
 * Maps a topology that another process wrote, at the address that it was written for. Any program may have
 * written it. The file lacks some values that hwloc computes on the first query; they are filled in, in a
 * private copy of their pages.
 *
 * @throws InvalidArgumentError  a number of the segment is out of range.
 * @throws HwlocError  `EBUSY`: something is mapped in the range. `EINVAL`: the file or the numbers differ
 *   from the writer's, the file is too short, or the writer's libhwloc has another ABI.
 * @see hwloc_shmem_topology_adopt()
 */
export function adoptTopology(segment: Segment): Topology {
  return opened(segment, shmemAdoptUnsealed);
}

/**
 * Like {@link adoptTopology}, for a file that is known to come from `writeTo()` or from a leader. Takes a
 * third of the time.
 */
export function adoptSealed(segment: Segment): Topology {
  return opened(segment, shmemAdopt);
}

/**
 * A private copy of an adopted topology, at its own addresses. It can be written again.
 *
 * @throws HwlocError  `ENOMEM`.
 * @see hwloc_topology_dup()
 */
export function copyOf(topology: Topology): Topology {
  const copy = [0];
  invoke('hwloc_topology_dup', () => libhwloc().native('hwloc_topology_dup')(copy, pointerOf(topology)));
  return new Topology(new Opened(copy[0] ?? 0));
}

function opened(segment: Segment, adopt: (segment: Segment) => number): Topology {
  checkSegment(segment);
  const { offset, address, length } = segment;
  return new Topology(new Opened(adopt(segment), { offset, address, length }));
}

/** @throws InvalidArgumentError */
function checkSegment({ fd, offset, address, length }: Segment): void {
  check('fd', fd, indexCheck);
  check('offset', offset, indexCheck);
  check('address', address, indexCheck);
  check('length', length, indexCheck);
}
