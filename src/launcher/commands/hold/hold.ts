// Holds the kept channel of this node until this process is told to end, or its parent ends.

import { leaveChannel } from '../../../channel/index.js';
import { type HeldChannel, type KeptChannel, holdKept } from '../../../kept/index.js';
import { hostName } from '../../../environment/index.js';
import { CommandError } from '../../errors.js';
import { messageOf } from '../../../errors/index.js';
import { bytes } from '../text.js';

// srun kills its tasks on SIGTERM, and passes SIGUSR1 on to them.
const signals: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'];

/** Milliseconds between two checks of the parent. */
const lookEvery = 500;

/**
 * @param complain  Writes a line to the user.
 * @returns the exit status.
 * @throws CommandError  no directory can be used.
 */
export async function holdUntilTold(
  roots: readonly string[],
  complain: (text: string) => void,
): Promise<number> {
  // First of all: if the parent ends from now on, this process ends too.
  const parent = process.ppid;
  let watch: NodeJS.Timeout | undefined;
  const told = new Promise<void>((resolve) => {
    for (const signal of signals) process.on(signal, resolve);
    watch = setInterval(() => {
      if (process.ppid !== parent) resolve();
    }, lookEvery);
  });
  let held: HeldChannel;
  try {
    held = holdKept(roots, hostName(), (error) => {
      complain(error.message);
    });
  } catch (error) {
    clearInterval(watch);
    throw new CommandError(`hold: ${messageOf(error)}`);
  }
  complain(`holding ${held.channel.path}: job steps on this node share what the first one discovers`);
  await told;
  clearInterval(watch);
  leaveChannel(held.channel, held.byte);
  return 0;
}

/**
 * A line about kept topologies: `/dev/shm/…/kept@n017, held by 2 processes: 1 topology, 820 KiB, the last one
 * of 2026-11-28T21:04:05.000Z`
 */
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
