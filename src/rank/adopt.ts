// Adopting what a plan names, in any rank.

import { closeSync } from 'node:fs';
import { type Plan, openFile } from '../channel/index.js';
import { type Topology, adoptSealed } from '../hwloc/index.js';
import type { Clock, Outcome } from './outcome.js';

/**
 * Maps the topology of a plan. Each rank opens the file itself: adopting moves the position of the descriptor.
 *
 * @throws HwlocError           `EBUSY`: the range is taken in this process.
 * @throws ChannelRefusedError  the file is not what a leader of this user writes.
 */
export function adoptPlan(plan: Plan): Topology {
  const fd = openFile(plan.file);
  try {
    return adoptSealed({ fd, offset: plan.offset, address: plan.address, length: plan.length });
  } finally {
    closeSync(fd);
  }
}

/** The outcome of a rank that adopted. */
export function adoptedOutcome(plan: Plan, clock: Clock, didDiscover: boolean): Outcome {
  return {
    how: 'adopted',
    reason: undefined,
    address: plan.address,
    length: plan.length,
    generation: plan.generation,
    didDiscover,
    phases: clock.phases,
  };
}
