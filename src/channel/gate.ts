// Gates: FIFOs that ranks wait at. The leader holds the only writing end. When the leader closes it, or dies,
// all readers see the end of the file at once.

import { closeSync, constants } from 'node:fs';
import { mkfifo } from '../libc/index.js';
import { codeOf } from '../errors/index.js';
import { openOurs } from './ours.js';
import { unlinkIfThere } from './removal.js';

function gatePath(channel: string, number: number): string {
  return `${channel}/gate.${number}`;
}

/**
 * Opens a gate to wait at.
 *
 * @returns a descriptor that can be read when the gate has ended; undefined if the gate no longer exists:
 *   there is a new round.
 */
export function openGate(channel: string, number: number): number | undefined {
  try {
    return openOurs(gatePath(channel, number), constants.O_RDONLY, constants.S_IFIFO);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Holds a gate shut, as the leader does. Makes the gate if it does not exist. @returns a descriptor */
export function holdGate(channel: string, number: number): number {
  const path = gatePath(channel, number);
  try {
    mkfifo(path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  // O_RDWR, not O_WRONLY, which would fail as long as no rank waits.
  return openOurs(path, constants.O_RDWR, constants.S_IFIFO);
}

/** Opens a gate: all ranks that wait at it see its end. Also removes its name. */
export function endGate(channel: string, number: number, fd: number): void {
  closeSync(fd);
  unlinkIfThere(gatePath(channel, number));
}
