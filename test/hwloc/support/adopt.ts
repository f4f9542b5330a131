// A topology as another process would adopt it: written into memory and mapped from there.

import { closeSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Topology, adoptTopology } from '../../../src/hwloc/index.js';

// Nothing is mapped there by the kernel, V8 or PIE programs: see the windows in src/maps.
let nextAddress = 0x4223_0000_0000;

/** Writes a topology and adopts it in this process. Both are to be closed. */
export function adoptCopy(topology: Topology): Topology {
  const length = topology.sharedLength();
  const address = nextAddress;
  nextAddress += Math.ceil(length / 0x20_0000) * 0x20_0000;
  const path = join(tmpdir(), `hwloc-share-test-${process.pid}-${address.toString(16)}`);
  const fd = openSync(path, 'wx+', 0o600);
  try {
    const segment = { fd, offset: 0, address, length };
    topology.writeTo(segment);
    return adoptTopology(segment);
  } finally {
    closeSync(fd);
    rmSync(path);
  }
}
