// Shares topologies among the steps of a batch script: the topology that the first step discovers is kept,
// and the leaders of later steps use it.

import { closeSync } from 'node:fs';
import { openFile } from '../../channel/index.js';
import {
  type Topology,
  abi,
  adoptSealed,
  copyOf,
  libhwloc,
  pluginsGivenUp,
  versionText,
  writtenIn,
} from '../../hwloc/index.js';
import { fingerprintOf, keepFile, keptFile, textsOf } from '../../kept/index.js';
import type { Context } from '../context.js';

/** The file of a kept topology, and its address. */
interface Place {
  readonly file: string;
  /** The address at which it must be mapped. */
  readonly at: number;
  readonly bytes: number;
}

/** A kept topology that is valid for this step. */
export interface Kept extends Place {
  /** When it was discovered: milliseconds since 1970. */
  readonly since: number;
  readonly abi: number;
  /**
   * Maps the topology while `use` runs. @throws HwlocError  `EBUSY`: its range is occupied in this process.
   */
  readonly use: <Result>(use: (topology: Topology) => Result) => Result;
  /** A copy, which can be written at another address. @throws HwlocError  as {@link use} */
  readonly copy: () => Topology;
}

/** A kept channel, as the leader of one step sees it. */
export interface Keeping {
  /** The topology of an earlier step; undefined if none is valid for this step. */
  readonly kept: Kept | undefined;
  /** Keeps a complete file for later steps. They cannot use a file with data before the topology. */
  keep(file: string): void;
}

/**
 * Looks into the kept channel of this node. Called before a discovery: if the machine changes meanwhile, no
 * later step uses the result.
 */
export function keepingIn(channel: string, { env, settings, allowed }: Context): Keeping {
  const { file, apiVersion } = libhwloc();
  const { io, hole, xmlfile } = settings;
  const library = `${file} ${versionText(apiVersion)} ${abi()}`;
  const fingerprint = fingerprintOf(textsOf({ env, io, hole, xmlfile, allowed, library }));
  return {
    kept: find(channel, fingerprint),
    keep(file) {
      if (!pluginsGivenUp()) keepFile(channel, fingerprint, file);
    },
  };
}

function find(channel: string, fingerprint: string): Kept | undefined {
  try {
    const there = keptFile(channel, fingerprint);
    if (there === undefined) return undefined;
    const fd = openFile(there.path);
    try {
      const written = writtenIn(fd);
      // Nothing may be before or after the topology in the file.
      if (written?.abi !== abi() || written.length !== there.bytes) return undefined;
      const place = { file: there.path, at: written.address, bytes: written.length };
      return {
        ...place,
        since: there.since,
        abi: written.abi,
        use: (use) => withKept(place, use),
        copy: () => withKept(place, copyOf),
      };
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined; // Its last holder has just left, or it belongs to another user.
  }
}

/** Maps a kept topology while `use` runs. */
function withKept<Result>({ file, at, bytes }: Place, use: (topology: Topology) => Result): Result {
  const fd = openFile(file);
  let topology: Topology;
  try {
    topology = adoptSealed({ fd, offset: 0, address: at, length: bytes });
  } finally {
    closeSync(fd);
  }
  try {
    return use(topology);
  } finally {
    topology.close();
  }
}
