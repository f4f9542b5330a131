// The topologies that are measured, loaded and adopted.

import { closeSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Segment, type Topology, adoptSealed, loadTopology } from '../../src/hwloc/index.js';

/** Synthetic machines by their number of PUs. */
export const machines = {
  384: 'pack:2 [numa] l3:12 l2:8 l1:1 core:1 pu:2',
  4096: 'pack:4 [numa] l3:16 l2:16 l1:1 core:1 pu:4',
} as const;

/** Loads a machine; the caller closes it. */
export function load(pus: keyof typeof machines): Promise<Topology> {
  return loadTopology({ source: { synthetic: machines[pus] } });
}

/** A topology in a file. */
export interface SharedFile {
  readonly path: string;
  readonly segment: Omit<Segment, 'fd'>;
  dispose(): void;
}

/** Writes a topology for others to adopt. */
export function share(topology: Topology, address = 0x4523_0000_0000): SharedFile {
  const path = join(tmpdir(), `hwloc-share-bench-${process.pid}-${address.toString(16)}`);
  const fd = openSync(path, 'wx+', 0o600);
  const segment = { offset: 0, address, length: topology.sharedLength() };
  try {
    topology.writeTo({ fd, ...segment });
  } finally {
    closeSync(fd);
  }
  return {
    path,
    segment,
    dispose: () => {
      rmSync(path);
    },
  };
}

/** Adopts what {@link share} has written; the caller closes it. */
export function adopt({ path, segment }: Pick<SharedFile, 'path' | 'segment'>): Topology {
  const fd = openSync(path, 'r');
  try {
    return adoptSealed({ fd, ...segment });
  } finally {
    closeSync(fd);
  }
}
