// Channels as tests find or leave them: in use, or left by a job that is dead.
import { onTestFinished } from 'vitest';
import { join } from 'node:path';
import { enterChannel, ownerByte } from '../../src/channel/index.js';
import { ownUid } from '../../src/channel/place/index.js';

/** Makes a channel. A living one is in use until the test ends; a dead one is as a killed job leaves it. @returns its path */
export function makeChannel(base: string, name: string, state: 'living' | 'dead'): string {
  const { path, roll } = enterChannel([join(base, `hwloc-share-${ownUid()}`)], name, ownerByte);
  if (state === 'dead') roll.close();
  else {
    onTestFinished(() => {
      roll.close();
    });
  }
  return path;
}
