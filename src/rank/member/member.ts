// The state machine of a member: what it decides in a join and at a barrier. Pure: no I/O. It implements
// docs/protocol.md, sections 3 to 6.

import { type Round, type Xml, isFinal } from '../../channel/index.js';
import { type Answer, type Ask, type Next, type Rules, type Saying, endOfWhile } from '../meeting/steps.js';

/** The last request: the next answer belongs to it. */
type Step =
  | 'arrived'
  | 'claimed'
  | 'said'
  | 'opened'
  | 'read'
  | 'looked'
  | 'waited'
  | 'elected'
  | 'reserved'
  | 'adopted'
  | 'fell'
  | 'ended'
  | 'came';

/** The state of a member. */
export interface Member {
  readonly step: Step;
  /** What it waits for: a topology, the leader's XML after it could not adopt, or its barrier. */
  readonly goal: 'topology' | 'xml' | 'barrier';
  /** The number of the last round that it has acted on. */
  readonly seen: number;
  /** Whether there was any round: then a rank has led. */
  readonly wasLed: boolean;
  /** What to do once the current line is written. */
  readonly then: 'wait' | 'act' | 'joined';
  /** The round that it found on arrival. It acts on this round after its hello. */
  readonly found: Round | undefined;
  /** Whether the gate that it waited at has ended. */
  readonly gateEnded: boolean;
  /** Why it cannot adopt. */
  readonly refusal: string | undefined;
  /** Whether it would take the leader's XML then. */
  readonly wantsXml: boolean;
  /**
   * The message that it is writing. It is kept if the lobby was full, to be written again when a rank leads.
   */
  readonly unsaid: Saying | undefined;
  /** When its current wait began. */
  readonly since: number;
  /** How many elections it has lost in a row. */
  readonly losses: number;
  /** Whether it has ever seen local rank 0. */
  readonly sawZero: boolean;
  /** The number of its barrier. */
  readonly barrier: number;
}

type Move = Next<Member>;

/** The first step of a join. */
export function arrive(now: number): Move {
  return { state: { ...initial(now), step: 'arrived' }, ask: { ask: 'read' } };
}

/** The first step of a barrier. @param number  One more than the number of passed barriers. */
export function comeToBarrier(number: number, now: number): Move {
  return { state: { ...initial(now), step: 'came', goal: 'barrier', barrier: number }, ask: { ask: 'read' } };
}

function initial(now: number): Member {
  return {
    step: 'arrived',
    goal: 'topology',
    seen: 0,
    wasLed: false,
    then: 'wait',
    found: undefined,
    gateEnded: false,
    refusal: undefined,
    wantsXml: true,
    unsaid: undefined,
    since: now,
    losses: 0,
    sawZero: false,
    barrier: 0,
  };
}

/** The next step after an answer. */
export function member(rules: Rules, state: Member, answer: Answer, now: number): Move {
  switch (state.step) {
    case 'arrived':
      return findOut(rules, { ...state, found: roundOf(answer) }, now);
    case 'claimed':
      return answer.is === 'yes' ? end(state, { kind: 'leads' }) : greet(rules, state);
    case 'said':
      if (state.then === 'joined') return end(state, { kind: 'joined' });
      if (answer.is === 'time') return openGate(state);
      return state.then === 'act' && state.found !== undefined
        ? act(rules, state, state.found, now)
        : openGate({ ...state, unsaid: undefined });
    case 'opened':
      return to({ ...state, gateEnded: false }, 'read', { ask: 'read' });
    case 'read':
      return lookForNews(rules, state, roundOf(answer), now);
    case 'looked':
      return answer.is === 'led' ? considerLeader(rules, state, answer, now) : openGate(state);
    case 'waited':
      return to({ ...state, gateEnded: answer.is === 'end' }, 'read', { ask: 'read' });
    case 'elected':
      return answer.is === 'yes'
        ? end(state, { kind: 'leads' })
        : openGate({ ...state, losses: state.losses + 1 });
    case 'reserved':
      return answerPlan(state, answer);
    case 'adopted':
      return answer.is === 'refused'
        ? cannotAdopt(rules, state, answer, now)
        : finish(rules, state, 'adopted');
    case 'fell':
      return finish(rules, state, answer.is === 'got' ? answer.how : 'discovered');
    case 'came':
      return beginBarrier(state, roundOf(answer));
    case 'ended':
      return { state, ask: { ask: 'end', end: { kind: 'joined' } } };
  }
}

function findOut(rules: Rules, state: Member, now: number): Move {
  const { found } = state;
  const arrived = { ...state, seen: found?.number ?? 0, wasLed: found !== undefined };
  if (isFinal(found)) return act(rules, arrived, found, now);
  if (rules.leadsAtOnce && !rules.isVisitor) return to(arrived, 'claimed', { ask: 'lead' });
  return greet(rules, arrived);
}

function greet(rules: Rules, state: Member): Move {
  // A visitor waits for the release, and takes no part in plans.
  if (rules.isVisitor) return openGate(state);
  return say(state, { verb: 'hello' }, state.found?.verb === 'plan' ? 'act' : 'wait');
}

/** Opens the gate before reading the round: if a new round comes in between, the gate ends. */
function openGate(state: Member): Move {
  return to(state, 'opened', { ask: 'open', gate: state.seen + 1 });
}

function lookForNews(rules: Rules, state: Member, round: Round | undefined, now: number): Move {
  const known = { ...state, wasLed: state.wasLed || round !== undefined };
  if (round !== undefined && round.number > state.seen) return act(rules, known, round, now);
  // The leader has died, or has left.
  if (state.gateEnded) return elect(rules, known, now);
  return to(known, 'looked', { ask: 'led' });
}

function considerLeader(
  rules: Rules,
  state: Member,
  { led, zero, silent }: Extract<Answer, { is: 'led' }>,
  now: number,
): Move {
  const looked = { ...state, sawZero: state.sawZero || zero };
  if (!led) {
    const zeroHasGone = state.sawZero && !zero;
    const over = endOfWhile(rules, rules.arrived, now);
    const isTime = state.wasLed || zeroHasGone || now >= over;
    return isTime ? elect(rules, looked, now) : wait(rules, looked, now, over);
  }
  const waited = now - state.since;
  if (state.goal === 'xml' && waited >= rules.pace.xmlPatience) return fall(looked, undefined);
  if (state.goal === 'topology' && Math.min(waited, silent) >= rules.timeout) {
    const seconds = rules.timeout / 1000;
    return fall(
      { ...looked, refusal: `the leader was silent for ${seconds} s (HWLOC_SHARE_TIMEOUT)` },
      undefined,
    );
  }
  if (state.unsaid !== undefined) return say(looked, state.unsaid, 'wait');
  return wait(rules, looked, now);
}

function wait({ pace }: Rules, state: Member, now: number, atMost = Infinity): Move {
  const { tick, shortPause } = pace;
  const pause = state.losses === 0 ? tick : Math.min(tick, shortPause * 2 ** state.losses);
  return to(state, 'waited', { ask: 'wait', until: Math.min(now + pause, atMost) });
}

function elect(rules: Rules, state: Member, now: number): Move {
  if (state.goal === 'xml') return fall(state, undefined);
  if (!rules.isVisitor) return to(state, 'elected', { ask: 'lead' });
  if (now >= endOfWhile(rules, rules.arrived, now)) {
    return fall(
      { ...state, refusal: 'another process has the place of this rank, and no rank leads' },
      undefined,
    );
  }
  return openGate({ ...state, losses: state.losses + 1 });
}

/** Acts on a round that this rank has not seen yet. */
function act(rules: Rules, state: Member, round: Round, now: number): Move {
  const news = {
    ...state,
    seen: round.number,
    wasLed: true,
    losses: 0,
    since: now,
    found: undefined,
    unsaid: undefined,
  };
  if (state.goal === 'barrier') return actAtBarrier(news, round);
  switch (round.verb) {
    case 'lead':
      return openGate(news);
    case 'anew':
      return rules.isVisitor
        ? openGate(news)
        : say({ ...news, refusal: undefined, wantsXml: true }, { verb: 'hello' }, 'wait');
    case 'plan':
      return rules.isVisitor
        ? openGate(news)
        : to({ ...news, refusal: undefined, wantsXml: true }, 'reserved', {
            ask: 'reserve',
            plan: round.plan,
          });
    case 'release':
      if (state.goal === 'xml') {
        return round.xml === undefined ? openGate({ ...news, since: state.since }) : fall(news, round.xml);
      }
      if (state.refusal !== undefined) return fall(news, state.wantsXml ? round.xml : undefined);
      return to({ ...news, found: round }, 'adopted', { ask: 'adopt', plan: round.plan });
    case 'fallback':
      return fall(
        { ...news, refusal: state.refusal ?? round.reason },
        state.wantsXml ? round.xml : undefined,
      );
  }
}

function answerPlan(state: Member, answer: Answer): Move {
  if (answer.is === 'refused') {
    const { reason, wantsXml = false } = answer;
    return say({ ...state, refusal: reason, wantsXml }, { verb: 'declined', reason, wantsXml }, 'wait');
  }
  return say(state, { verb: answer.is === 'busy' ? 'busy' : 'reserved' }, 'wait');
}

function cannotAdopt(
  rules: Rules,
  state: Member,
  { reason, wantsXml = true }: Extract<Answer, { is: 'refused' }>,
  now: number,
): Move {
  const xml = state.found?.verb === 'release' ? state.found.xml : undefined;
  const refused = { ...state, refusal: reason, found: undefined };
  if (!wantsXml) return fall(refused, undefined);
  if (xml !== undefined || rules.isVisitor) return fall(refused, xml);
  return say({ ...refused, goal: 'xml', since: now }, { verb: 'failed', reason }, 'wait');
}

function fall(state: Member, xml: Xml | undefined): Move {
  const reason = state.refusal ?? 'the leader has gone';
  return to(state, 'fell', { ask: 'fallback', reason, xml });
}

/** The rank has its topology, and says how it got it. */
function finish(rules: Rules, state: Member, how: string): Move {
  return rules.isVisitor ? end(state, { kind: 'joined' }) : say(state, { verb: 'done', how }, 'joined');
}

function beginBarrier(state: Member, round: Round | undefined): Move {
  if (!isFinal(round)) return alone(state, 'the channel has gone', state.barrier);
  if (round.passed >= state.barrier) return alone(state, 'the others have passed it already', round.passed);
  const came = { ...state, seen: round.number, wasLed: true };
  return say(came, { verb: 'barrier', number: state.barrier }, 'wait');
}

function actAtBarrier(state: Member, round: Round): Move {
  if (!isFinal(round)) return alone(state, `the leader published ${round.verb}`, state.barrier);
  if (round.passed >= state.barrier) return end(state, { kind: 'passed', all: round.all });
  return say(state, { verb: 'barrier', number: state.barrier }, 'wait');
}

function alone(state: Member, reason: string, passed: number): Move {
  return end(state, { kind: 'alone', reason, passed });
}

function say(state: Member, saying: Saying, then: Member['then']): Move {
  return to({ ...state, then, unsaid: saying }, 'said', { ask: 'say', say: saying, round: state.seen });
}

function end(state: Member, how: Extract<Ask, { ask: 'end' }>['end']): Move {
  return to(state, 'ended', { ask: 'end', end: how });
}

function to(state: Member, step: Step, ask: Ask): Move {
  return { state: { ...state, step }, ask };
}

function roundOf(answer: Answer): Round | undefined {
  return answer.is === 'round' ? answer.round : undefined;
}
