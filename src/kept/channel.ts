// The kept channel of a user on a node: topologies that outlive the steps that discovered them, as long as
// any process holds the channel.

import { linkSync } from 'node:fs';
import { type Channel, enterChannel, isThere, leaderByte, look, unlinkIfThere } from '../channel/index.js';
import { channelPath, namesIn } from '../channel/place/index.js';
import { codeOf } from '../errors/index.js';
import { statusAt } from '../libc/index.js';

/**
 * How many topologies are kept. Steps with different options or allowed resources have different topologies.
 */
const mostKept = 8;

const prefix = 'topology.';

/** The key of the kept channel. */
function keptKey(host: string): string {
  return `kept@${host}`;
}

/** The contents of a kept channel. */
export interface KeptChannel {
  readonly path: string;
  /** How many processes hold it. */
  readonly holders: number;
  /** The topologies in it, the oldest first. */
  readonly topologies: readonly KeptFile[];
}

/** A kept topology. */
export interface KeptFile {
  readonly fingerprint: string;
  readonly path: string;
  readonly bytes: number;
  /** When it was written: milliseconds since 1970. */
  readonly since: number;
}

/** A kept channel that this process holds. */
export interface HeldChannel {
  readonly channel: Channel;
  /** The byte that this process has locked, for leaveChannel(). */
  readonly byte: number;
}

/**
 * Holds the kept channel of this node, and makes it if there is none. The channel exists until its last
 * holder has left it, or has died.
 *
 * @throws Error  no root can be used.
 */
export function holdKept(
  roots: readonly string[],
  host: string,
  refuse: (error: Error) => void = () => undefined,
): HeldChannel {
  // Each holder has a byte of its own.
  for (let byte = leaderByte - 1; ; byte--) {
    const channel = enterChannel(roots, keptKey(host), byte, refuse);
    if (!channel.isVisitor) return { channel, byte };
    channel.roll.close();
  }
}

/**
 * The kept channel of this node, if any process holds it; otherwise undefined, which takes one system call
 * for each root.
 */
export function keptPath(roots: readonly string[], host: string): string | undefined {
  return roots
    .map((root) => channelPath(root, keptKey(host)))
    .find((path) => isThere(path) && look(path).inUse);
}

/** The kept topology with a fingerprint; undefined if there is none. */
export function keptFile(channel: string, fingerprint: string): KeptFile | undefined {
  const path = `${channel}/${prefix}${fingerprint}`;
  const status = statusAt(path);
  if (status === undefined) return undefined;
  return { fingerprint, path, bytes: status.size, since: status.mtimeMs };
}

/**
 * Keeps a topology under its fingerprint, in one step: its file, which is not written to any more, gets a
 * second name.
 *
 * @returns whether the topology is kept now, through this call or by another leader.
 */
export function keepFile(channel: string, fingerprint: string, file: string): boolean {
  try {
    linkSync(file, `${channel}/${prefix}${fingerprint}`);
  } catch (error) {
    // EXDEV: the two are under different roots. ENOENT: the last holder has just left.
    return codeOf(error) === 'EEXIST';
  }
  const { topologies } = keptIn(channel);
  // Removing them is safe: a leader that uses one has already opened it, or continues without it.
  for (const { path } of topologies.slice(0, -mostKept)) unlinkIfThere(path);
  return true;
}

/** The contents of a kept channel. */
export function keptIn(path: string): KeptChannel {
  const topologies = namesIn(path)
    .filter((name) => name.startsWith(prefix))
    .flatMap((name) => keptFile(path, name.slice(prefix.length)) ?? []);
  return {
    path,
    holders: look(path).ranks.length,
    topologies: topologies.sort((a, b) => a.since - b.since),
  };
}

/** Whether a channel under a root is a kept channel. */
export function isKeptPath(path: string): boolean {
  return path.slice(path.lastIndexOf('/') + 1).startsWith(keptKey(''));
}
