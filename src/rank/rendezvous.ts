// A rank in its channel: runs it as a member or as the leader, first in the join, then at barriers.

import { readFileSync } from 'node:fs';
import { type Channel, OtherStepError, enterChannel } from '../channel/index.js';
import { statOf } from '../channel/place/index.js';
import type { Topology } from '../hwloc/index.js';
import type { Context } from './context.js';
import { tellChildrenOf } from './data/taken.js';
import type { Shared } from './data/open.js';
import { NotSharedError } from './errors.js';
import type { Leading } from './leader/perform.js';
import { loneBarrier } from './fallback.js';
import { type Meeting, meet } from './meeting/meeting.js';
import { arrive, comeToBarrier } from './member/member.js';
import { type Got, runMember } from './member/perform.js';
import { patientNow } from './time.js';
import type { Outcome } from './outcome.js';
import { numbersIn, textIn } from '../libc/index.js';
import { planFile } from './meeting/plans.js';
import { type Rules, pace } from './meeting/steps.js';

/** The result of a join, before it becomes a session. */
export interface Joined {
  readonly topology: Topology;
  readonly outcome: Outcome;
  /** The leader's data, if there is any and this rank has got it. */
  readonly shared?: Shared | undefined;
  /** Resolves to whether all ranks of the node took part. */
  readonly barrier: () => Promise<boolean>;
  /** Leaves the job: closes all files, and removes what this rank must remove. */
  readonly leave: () => void;
}

/**
 * Joins the other ranks of this node.
 *
 * @throws Error  the channel cannot be used.
 */
export async function rendezvous(context: Context): Promise<Joined> {
  const { identity } = context;
  const { own } = identity;
  try {
    return await rendezvousIn(context, own?.step);
  } catch (error) {
    if (!(error instanceof OtherStepError) || own === undefined) throw error;
    return rendezvousIn({ ...context, identity: { ...identity, key: own.key } });
  }
}

async function rendezvousIn(context: Context, step?: string): Promise<Joined> {
  const { identity, notice } = context;
  const refuse = (error: Error) => {
    notice(error.message);
  };
  const channel = enterChannel(context.roots, identity.key, identity.localRank, refuse, step);
  const meeting = meet(context, channel);
  try {
    return await joinIn(context, meeting, channel);
  } catch (error) {
    meeting.leave();
    throw error;
  }
}

async function joinIn(context: Context, meeting: Meeting, channel: Channel): Promise<Joined> {
  const rules = rulesOf(context, channel);
  context.clock.mark('channel');
  const { end, got, passed } = await runMember(context, meeting, rules, arrive(patientNow()));
  let leading: Leading | undefined;
  let result = got;
  if (end.kind === 'leads') {
    leading = await lead(context, meeting, rules);
    result = await leading.joined;
    tellHowItWent(context, leading, result);
  }
  if (result === undefined) throw new NotSharedError('the join ended without a topology');
  const { topology, outcome, plan, shared } = result;
  if (outcome.how === 'adopted' && plan !== undefined) {
    tellChildrenOf(context, planFile(context, channel, plan), plan);
  }
  return {
    topology,
    outcome,
    shared,
    barrier: barriersOf(context, meeting, rules, leading, leading?.passed() ?? passed),
    leave: () => {
      meeting.leave();
    },
  };
}

/** Reports the join to the wrapper, if it makes a report; otherwise to the user, if asked to. */
function tellHowItWent(context: Context, leading: Leading, { outcome }: Got): void {
  const { recorder, settings, notice, identity, clock } = context;
  const sharing = 1 + leading.peers().filter(({ said }) => said === 'reserved' || said === 'done').length;
  const all = identity.localSize === undefined ? '' : ` of ${identity.localSize}`;
  const place =
    outcome.how === 'adopted'
      ? `at 0x${outcome.address.toString(16)}, ${outcome.length} bytes`
      : 'each its own';
  const phases = Object.entries(clock.phases).map(([name, ms]) => `${name} ${ms.toFixed(1)} ms`);
  const summary = `${sharing}${all} ranks: one topology ${place}; ${phases.join(', ')}`;
  if (recorder === undefined) {
    if (settings.verbose) notice(summary);
    return;
  }
  recorder.see(leading, (why) => {
    notice(
      settings.verbose
        ? summary
        : `not in the report: --report needs a directory that all nodes share: ${why}`,
    );
  });
}

async function lead(context: Context, meeting: Meeting, rules: Rules, barrier = 0): Promise<Leading> {
  const { startToLead } = await import('./leader/perform.js');
  return startToLead(context, meeting, rules, barrier);
}

function rulesOf({ identity, settings }: Context, { isVisitor }: Channel): Rules {
  let patience: number | undefined;
  const timeout = settings.timeout * 1000;
  return {
    local: identity.localRank,
    isVisitor,
    leadsAtOnce: identity.leadsAtOnce,
    expected: identity.localSize,
    most: identity.size,
    arrived: patientNow(),
    // If a shell script started the program with `exec`, this counts from the script's start.
    get patience() {
      return (patience ??= Math.min(Math.max(1000, ownAge(), startOfAll(identity.localSize)), timeout));
    },
    timeout,
    keepsFile: settings.xmlfile,
    pace,
  };
}

/**
 * Milliseconds that all ranks of this node need to start, if each needs as much CPU time as this one and no
 * other job uses the CPUs.
 */
function startOfAll(ranks = 1): number {
  const { user, system } = process.cpuUsage();
  const cpus = numbersIn(textIn('/sys/devices/system/cpu/online') ?? '').length;
  // Without /sys the number of CPUs is not known.
  return cpus === 0 ? 0 : ((user + system) / 1000) * (ranks / cpus);
}

/** Milliseconds since this process was started. */
function ownAge(): number {
  const ticks = statOf(process.pid)?.start ?? 0;
  const [uptime = ''] = readFileSync('/proc/uptime', 'utf8').split(' ');
  // sysconf(_SC_CLK_TCK) is 100 on all of Linux.
  return Number(uptime) * 1000 - ticks * 10;
}

function barriersOf(
  context: Context,
  meeting: Meeting,
  rules: Rules,
  first: Leading | undefined,
  passedBefore: number,
): () => Promise<boolean> {
  let leading = first;
  // The count of a rank that comes late starts where the other ranks are.
  let passed = passedBefore;
  let last: Promise<unknown> = Promise.resolve();

  const alone = loneBarrier(context);

  const pass = async (): Promise<boolean> => {
    if (rules.isVisitor) return alone('another process has the place of this rank');
    const number = passed + 1;
    if (leading === undefined) {
      const { end } = await runMember(context, meeting, rules, comeToBarrier(number, patientNow()));
      switch (end.kind) {
        case 'passed':
          passed = number;
          return end.all;
        case 'alone':
          passed = Math.max(passed, end.passed);
          return alone(end.reason);
        case 'joined':
          return alone('the join was repeated');
        case 'leads':
          leading = await lead(context, meeting, rules, number);
          return led(leading.firstBarrier, number);
      }
    }
    return led(leading.barrier(number), number);
  };

  const led = async (opening: Promise<boolean | undefined>, number: number): Promise<boolean> => {
    const all = await opening;
    passed = number;
    return all ?? alone('the channel was removed');
  };

  // One barrier after another, even if a job does not wait for one before it comes to the next.
  return () => {
    const result = last.then(pass);
    last = result.catch(() => undefined);
    return result;
  };
}
