// What steps of a batch script have in common: the topology that the first one discovers is kept, and the leaders of later ones use it.

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

/** Where a kept topology is. */
interface Place {
  readonly file: string;
  /** Where it must be mapped. */
  readonly at: number;
  readonly bytes: number;
}

/** A kept topology that is true for this step. */
export interface Kept extends Place {
  /** When it was discovered: milliseconds since 1970. */
  readonly since: number;
  readonly abi: number;
  /** Uses it, mapped meanwhile. @throws HwlocError  `EBUSY`: its range is taken in this process. */
  readonly use: <Result>(use: (topology: Topology) => Result) => Result;
  /** A copy, which can be written at another address. @throws HwlocError  as {@link use} */
  readonly copy: () => Topology;
}

/** A kept channel, as the leader of one step sees it. */
export interface Keeping {
  /** What an earlier step has left; undefined where there is nothing that is true for this one. */
  readonly kept: Kept | undefined;
  /** Leaves a complete file to later steps; one with data in front of the topology is of no use to them. */
  keep(file: string): void;
}

/**
 * Looks into the kept channel of this node. Before a discovery: if the machine changes meanwhile, what is discovered belongs to no later
 * step.
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
      // It has nothing in front of it, and nothing behind.
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
    return undefined; // its last holder let it go just now, or it is not ours
  }
}

/** Maps a kept topology as long as it is used. */
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
