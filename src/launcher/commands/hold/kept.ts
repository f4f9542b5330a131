// What is said of topologies that are kept.

import type { KeptChannel } from '../../../kept/index.js';
import { bytes } from '../words.js';

/** `/dev/shm/…/kept@n017, held by 2 processes: 1 topology, 820 KiB, the last one of 2026-11-28T21:04:05.000Z` */
export function describeKept({ path, holders, topologies }: KeptChannel): string {
  const by = `${path}, held by ${counted(holders, 'process', 'processes')}`;
  const newest = topologies.at(-1);
  if (newest === undefined) return `${by}: no topology yet`;
  const size = bytes(topologies.reduce((sum, each) => sum + each.bytes, 0));
  const count = counted(topologies.length, 'topology', 'topologies');
  return `${by}: ${count}, ${size}, the last one of ${new Date(newest.since).toISOString()}`;
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
