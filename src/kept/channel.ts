// The kept channel of a user on a node: topologies that outlive the steps that discovered them, for as long as somebody holds it.

import { linkSync } from 'node:fs';
import { type Channel, enterChannel, isThere, leaderByte, look, unlinkIfThere } from '../channel/index.js';
import { channelPath, namesIn } from '../channel/place/index.js';
import { codeOf } from '../errors/index.js';
import { statusAt } from '../libc/index.js';

/** Steps that differ in what they ask for, or in what they are allowed, have topologies of their own. So many are kept. */
const mostKept = 8;

const prefix = 'topology.';

/** The name of the kept channel in protocol terms: its KEY. */
function keptKey(host: string): string {
  return `kept@${host}`;
}

/** What a kept channel has. */
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
  /** By which byte: leaveChannel() lets it go. */
  readonly byte: number;
}

/**
 * Holds the kept channel of this node, and makes it if there is none. It stays until its last holder has let it go, or has died.
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

/** The kept channel of this node that somebody holds; undefined where there is none. Without one, it costs a system call a root. */
export function keptPath(roots: readonly string[], host: string): string | undefined {
  return roots
    .map((root) => channelPath(root, keptKey(host)))
    .find((path) => isThere(path) && look(path).inUse);
}

/** The kept topology of a fingerprint; undefined where there is none. */
export function keptFile(channel: string, fingerprint: string): KeptFile | undefined {
  const path = `${channel}/${prefix}${fingerprint}`;
  const status = statusAt(path);
  if (status === undefined) return undefined;
  return { fingerprint, path, bytes: status.size, since: status.mtimeMs };
}

/**
 * Keeps a topology under its fingerprint, in one step: by another name for its file, which nobody writes to any more.
 *
 * @returns whether it is kept now, by us or by another leader.
 */
export function keepFile(channel: string, fingerprint: string, file: string): boolean {
  try {
    linkSync(file, `${channel}/${prefix}${fingerprint}`);
  } catch (error) {
    // EXDEV: they are under different roots. ENOENT: its last holder has let it go.
    return codeOf(error) === 'EEXIST';
  }
  const { topologies } = keptIn(channel);
  // A leader that uses one of them has opened it, or does without.
  for (const { path } of topologies.slice(0, -mostKept)) unlinkIfThere(path);
  return true;
}

/** What is in a kept channel. */
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

/** Whether a channel under a root is a kept one. */
export function isKeptPath(path: string): boolean {
  return path.slice(path.lastIndexOf('/') + 1).startsWith(keptKey(''));
}
