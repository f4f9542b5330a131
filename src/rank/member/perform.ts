// Runs the state machine of a member: performs one step after another.

import { type Plan, isFinal, leaderByte, readRound } from '../../channel/index.js';
import { HwlocError, type Reservation, reserve } from '../../libc/index.js';
import { type Topology, abi, prepareToAdopt } from '../../hwloc/index.js';
import type { Context } from '../context.js';
import type { Shared } from '../data/open.js';
import { takeData } from '../data/taken.js';
import { type LeadersXml, type Private, takeFallback } from '../fallback.js';
import { linesFor } from './lines.js';
import type { Meeting } from '../meeting/meeting.js';
import { messageOf } from '../../errors/index.js';
import { patientNow } from '../time.js';
import { type Phase, reach } from '../report/trace-points.js';
import { adoptPlan, adoptedOutcome, leadersXml, planFile, otherShape, shapeOf } from '../meeting/plans.js';
import type { Answer, Ask, End, Next, Rules, Saying } from '../meeting/steps.js';
import { type Member, member } from './member.js';

/** The result of a member: a topology, and the plan that the topology or its data belongs to. */
export interface Got extends Private {
  readonly plan: Plan | undefined;
  /** The leader's data. */
  readonly shared: Shared | undefined;
}

/** How a member's machine ended, and what the member had got by then. */
export interface Result {
  readonly end: End;
  readonly got: Got | undefined;
  /** How many barriers had been passed in the last round that it read. */
  readonly passed: number;
}

/**
 * Runs the machine of a member until it ends.
 *
 * @throws NotSharedError  if it cannot adopt, and there is no fallback (`strict`).
 * @throws Error           the channel cannot be used any more.
 */
export async function runMember(
  context: Context,
  meeting: Meeting,
  rules: Rules,
  first: Next<Member>,
): Promise<Result> {
  let reservation: Reservation | undefined;
  let got: Got | undefined;
  let plan: Plan | undefined;
  let passed = 0;
  const { roll, path } = meeting.channel;
  let { state, ask } = first;
  try {
    for (;;) {
      if (ask.ask === 'end') return { end: ask.end, got, passed };
      const answer = perform(ask);
      ({ state, ask } = member(
        rules,
        state,
        answer instanceof Promise ? await answer : answer,
        patientNow(),
      ));
    }
  } finally {
    reservation?.release();
    meeting.closeGate();
    meeting.closeLobby();
  }

  function perform(asked: Ask): Answer | Promise<Answer> {
    switch (asked.ask) {
      case 'read': {
        const round = readRound(path);
        if (round?.verb === 'release') plan = round.plan;
        if (isFinal(round)) passed = round.passed;
        return { is: 'round', round };
      }
      case 'say':
        return say(asked.say, asked.round);
      case 'open':
        meeting.openGate(asked.gate);
        return { is: 'done' };
      case 'led':
        return {
          is: 'led',
          led: roll.isHeld(leaderByte),
          zero: rules.local === 0 || roll.isHeld(0),
          silent: Date.now() - roll.renewed(),
        };
      case 'lead':
        return tryToLead();
      case 'wait':
        return meeting.gateEnds(asked.until).then((ended) => ({ is: ended ? 'end' : 'time' }));
      case 'reserve':
        return tryToReserve(asked.plan);
      case 'adopt':
        return tryToAdopt(asked.plan);
      case 'fallback': {
        reservation?.release();
        return fallBack(asked.reason, leadersXml(context, meeting.channel, asked.xml));
      }
      default:
        throw new Error(`a member does not ${asked.ask}`);
    }
  }

  function tryToLead(): Answer {
    const taken = roll.take(leaderByte);
    if (taken === 'leaving') throw new Error('the channel of this job was removed');
    return { is: taken === 'taken' ? 'yes' : 'no' };
  }

  function say(saying: Saying, round: number): Answer | Promise<Answer> {
    const lines = linesFor(context, saying, round);
    const lobby = meeting.lobby();
    const written = lines.findIndex((line) => !lobby.write(line));
    if (written === -1) return said(saying);
    return sayTheRest(lines.slice(written), saying);
  }

  /** Writes the rest into a full lobby. A leader reads the lobby, unless it is stopped. */
  async function sayTheRest(lines: readonly string[], saying: Saying): Promise<Answer> {
    const until = patientNow() + rules.pace.fullLobby;
    for (const line of lines) {
      while (!meeting.lobby().write(line)) {
        if (patientNow() >= until) return { is: 'time' };
        await meeting.lobby().untilWritable();
      }
    }
    return said(saying);
  }

  function said({ verb }: Saying): Answer {
    const phase = phaseOf[verb];
    if (phase !== undefined) context.clock.mark(phase);
    const point = pointOf[verb];
    if (point !== undefined) reach(point);
    return { is: 'done' };
  }

  function tryToReserve(planned: Plan): Answer {
    context.clock.mark('meet');
    reach('member:planned');
    reservation?.release();
    reservation = undefined;
    const refusal = refusalOf(context, planned);
    if (refusal !== undefined) return refusal;
    try {
      reservation = reserve(planned.at, planned.bytes);
      // Done while the leader waits for other ranks, and writes.
      prepareToAdopt();
      return { is: 'done' };
    } catch (error) {
      if (error instanceof HwlocError && error.code === 'EBUSY') return { is: 'busy' };
      return { is: 'refused', reason: messageOf(error), wantsXml: true };
    }
  }

  function tryToAdopt(released: Plan): Answer | Promise<Answer> {
    context.clock.mark('wait');
    reach('member:released');
    const refusal = refusalOf(context, released);
    if (refusal !== undefined) return refusal;
    let topology: Topology;
    try {
      reservation?.release();
      reservation = undefined;
      topology = adoptPlan(planFile(context, meeting.channel, released), released);
    } catch (error) {
      const isTaken = error instanceof HwlocError && error.code === 'EBUSY';
      const reason = isTaken ? 'the planned range is taken in this rank' : messageOf(error);
      return { is: 'refused', reason, wantsXml: true };
    }
    context.clock.mark('adopt');
    reach('member:adopted');
    const adopted = { topology, outcome: adoptedOutcome(released, context.clock, false), plan: released };
    got = { ...adopted, shared: undefined };
    return released.offset === 0 ? { is: 'done' } : withData(adopted, released);
  }

  /** Maps the data before this rank says that it is done: after that the file may be removed. */
  async function withData(own: Private & { readonly plan: Plan | undefined }, of: Plan): Promise<Answer> {
    try {
      got = { ...own, shared: await takeData(context, planFile(context, meeting.channel, of), of) };
      return { is: 'done' };
    } catch (error) {
      own.topology.close();
      throw error;
    }
  }

  async function fallBack(reason: string, offered: LeadersXml | undefined): Promise<Answer> {
    const own = await takeFallback(context, reason, offered);
    got = { ...own, plan, shared: undefined };
    if (plan !== undefined) await withData(got, plan);
    return { is: 'got', how: own.outcome.how };
  }
}

/** Why a rank cannot adopt the topology of a plan at any address. */
function refusalOf({ settings }: Context, plan: Plan): Answer | undefined {
  if (plan.shape !== shapeOf(settings)) return { is: 'refused', reason: otherShape, wantsXml: false };
  if (plan.abi === abi()) return undefined;
  const reason = `its libhwloc has ABI 0x${abi().toString(16)}, the leader's 0x${plan.abi.toString(16)}`;
  return { is: 'refused', reason, wantsXml: true };
}

const phaseOf: Partial<Record<Saying['verb'], Phase>> = {
  hello: 'hello',
  reserved: 'reserve',
  busy: 'reserve',
};

const pointOf = {
  hello: 'member:announced',
  reserved: 'member:reserved',
  busy: undefined,
  declined: 'member:reserved',
  failed: undefined,
  done: 'member:done',
  barrier: 'member:barrier',
} as const;
