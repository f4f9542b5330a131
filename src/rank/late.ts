// Late joiners: ranks that come after the release read the published plan.

import { closeSync, readFileSync } from 'node:fs';
import {
  type Channel,
  type Plan,
  formatMessage,
  isThere,
  openFile,
  parseMessage,
  publish,
} from '../channel/index.js';
import { abi } from '../hwloc/index.js';
import { adoptPlan, adoptedOutcome } from './adopt.js';
import type { Context, Joined } from './context.js';
import { getShared, takeWhatComesWith } from './besides.js';
import { takeLadder } from './ladder.js';
import { loneBarrier } from './lone-barrier.js';
import { messageOf } from './notice.js';

/** Leaves the plan for those who come later. @throws Error of the file system */
export function publishPlan(channel: Channel, plan: Plan): void {
  publish(channel.plan, formatMessage(plan));
}

/** Whether the release has been, and a plan left behind. */
export function isLate(channel: Channel): boolean {
  return isThere(channel.plan);
}

/** Adopts what the others have adopted already, if its range is free here; else takes the ladder. */
export async function joinLate(context: Context, channel: Channel): Promise<Joined> {
  const barrier = loneBarrier(context, 'this rank joined after the others had gone on');
  const leave = () => undefined;
  let plan: Plan | undefined;
  try {
    plan = readPlan(channel);
    if (plan.abi !== abi())
      throw new Error(`this rank's libhwloc has ABI ${hex(abi())}, the leader's ${hex(plan.abi)}`);
    const topology = adoptPlan(plan);
    context.clock.mark('adopt');
    const shared = await takeWhatComesWith(context, plan);
    return { topology, outcome: adoptedOutcome(plan, context.clock, false), shared, barrier, leave };
  } catch (error) {
    const { topology, outcome } = await takeLadder(context, `came late: ${messageOf(error)}`);
    const shared = await getShared(context, plan?.file, plan?.data);
    return { topology, outcome, shared, barrier, leave };
  }
}

function readPlan(channel: Channel): Plan {
  const fd = openFile(channel.plan);
  try {
    const message = parseMessage(readFileSync(fd, 'latin1').trimEnd());
    if (message.verb !== 'plan') throw new Error(`${channel.plan} holds no plan`);
    return message;
  } finally {
    closeSync(fd);
  }
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
