// The state machine of a leader: what it decides in a join, at barriers and in between. Pure: no I/O. It
// implements docs/protocol.md, sections 3 to 6.

import { type Plan, type Round, type Xml, isFinal } from '../../channel/index.js';
import { type Answer, type Ask, type Loading, type Next, type Rules, endOfWhile } from '../meeting/steps.js';
import {
  type Peer,
  type Peers,
  afterDeath,
  afterDrop,
  afterLine,
  afterLook,
  localsOf,
  othersExpected,
  present,
} from './peers.js';

/** After this many plans, ranks whose range is still occupied take the fallback; the others share. */
const mostPlans = 5;
/**
 * After this many deaths of leaders in one join, all ranks take the fallback: the discovery itself may kill
 * the leaders.
 */
const mostDeaths = 2;
/** The last request: the next answer belongs to it. */
type Step =
  | 'found'
  | 'tookOver'
  | 'cleared'
  | 'held'
  | 'published'
  | 'closed'
  | 'loading'
  | 'gathering'
  | 'chosen'
  | 'written'
  | 'collecting'
  | 'xml'
  | 'adopted'
  | 'joined'
  | 'idle'
  | 'discarded'
  | 'atBarrier'
  | 'surveying'
  | 'opened';

/** What the leader does once its round is published. */
type Then = 'gather' | 'write' | 'adopt' | 'keep' | 'idle' | 'barrier' | 'opened';

/** The state of a leader. */
export interface Leader {
  readonly step: Step;
  /** Whether it already has its topology, and only keeps barriers. */
  readonly hasJoined: boolean;
  /** The current round. */
  readonly round: Round | undefined;
  /** The round that is being published, and what follows it. */
  readonly next: Round | undefined;
  readonly then: Then;
  readonly deaths: number;
  readonly peers: Peers;
  readonly loading: Loading | undefined;
  /**
   * When the first and the last rank came, as far as the leader saw it; and when it last heard from any rank.
   */
  readonly firstArrival: number;
  readonly lastArrival: number;
  readonly lastHeard: number;
  /** Whether it has read the lines that were in the lobby before it led. */
  readonly hasHeard: boolean;
  /** Whether it has checked which ranks are there. */
  readonly hasLooked: boolean;
  /**
   * Whether the previous leader had already gathered: then this one waits only for the ranks that are there
   * now.
   */
  readonly hadGathered: boolean;
  readonly lookAt: number;
  /** The ranks whose locks it is checking; undefined: all possible ranks. */
  readonly lookingAt: readonly number[] | undefined;
  readonly plans: number;
  readonly isWritten: boolean;
  readonly xml: Xml | undefined;
  /** Why no rank can adopt. */
  readonly failure: string | undefined;
  /** The barrier that the leader itself has come to. */
  readonly barrier: number;
  readonly isDiscarded: boolean;
}

type Move = Next<Leader>;

/**
 * The first step of a leader.
 *
 * @param barrier  The barrier at which the previous leader was lost; 0: in the join.
 */
export function lead(rules: Rules, now: number, barrier = 0): Move {
  const state: Leader = {
    step: 'found',
    hasJoined: barrier > 0,
    round: undefined,
    next: undefined,
    then: 'gather',
    deaths: 0,
    peers: [],
    loading: undefined,
    firstArrival: rules.arrived,
    lastArrival: rules.arrived,
    lastHeard: now,
    hasHeard: false,
    hasLooked: false,
    hadGathered: false,
    lookAt: now + rules.pace.firstLook,
    lookingAt: undefined,
    plans: 0,
    isWritten: false,
    xml: undefined,
    failure: undefined,
    barrier,
    isDiscarded: false,
  };
  return { state, ask: { ask: 'read' } };
}

/** The next step after an answer. */
export function leader(rules: Rules, state: Leader, answer: Answer, now: number): Move {
  switch (state.step) {
    case 'found':
      return begin(rules, state, answer.is === 'round' ? answer.round : undefined);
    case 'tookOver':
      return clear(rules, state);
    case 'cleared':
      return takeOver(rules, state);
    case 'held':
      return to(state, 'published', { ask: 'publish', round: nextOf(state) });
    case 'published': {
      const round = nextOf(state);
      // No rank waits at a gate before round 0. The gate of round 1 is held from then on.
      if (round.number === 0) return to({ ...state, round }, 'closed', { ask: 'hold', gate: 1 });
      return to({ ...state, round }, 'closed', { ask: 'close', gate: round.number });
    }
    case 'closed':
      return follow(rules, { ...state, next: undefined }, now);
    case 'loading':
      return gather(rules, state, now);
    case 'gathering':
      return gather(rules, learn(state, answer, now), now);
    case 'chosen':
      return plan(rules, state, answer);
    case 'written':
      return collect(rules, afterWriting(rules, state, answer, now), now);
    case 'collecting':
      return collect(rules, learn(state, answer, now), now);
    case 'xml': {
      const xml = answer.is === 'xml' ? answer.xml : undefined;
      // After the join, XML is for ranks that could not adopt. Without XML they discover the machine.
      return state.hasJoined && xml === undefined ? idle(rules, state, now) : conclude({ ...state, xml });
    }
    case 'adopted':
      return joined({ ...state, failure: answer.is === 'refused' ? answer.reason : state.failure });
    case 'joined':
    case 'discarded':
    case 'opened':
      return idle(rules, { ...state, hasJoined: true }, now);
    case 'idle':
      return idle(rules, learn(state, answer, now), now);
    case 'atBarrier':
      return keepBarrier(rules, learn(state, answer, now), now);
    case 'surveying':
      return openBarrier(rules, learn(state, answer, now), now);
  }
}

// Taking over: docs/protocol.md, "Elections".

function begin({ local }: Rules, state: Leader, found: Round | undefined): Move {
  if (found === undefined) return publish(state, { verb: 'lead', number: 0, leader: local }, 'gather');
  // Holds the gate that the members wait at: they must not see its end before there is a new round.
  return to({ ...state, round: found }, 'tookOver', { ask: 'hold', gate: found.number + 1 });
}

/** Discards the file that the previous leader wrote, for the current plan or ahead of the next one. */
function clear(rules: Rules, state: Leader): Move {
  const { round } = state;
  if (round === undefined || isFinal(round)) return takeOver(rules, state);
  return to(state, 'cleared', { ask: 'discard', plan: round.number + (round.verb === 'plan' ? 0 : 1) });
}

function takeOver({ local }: Rules, state: Leader): Move {
  const { round } = state;
  if (round === undefined) return publish(state, { verb: 'lead', number: 0, leader: local }, 'gather');
  const number = round.number + 1;
  if (isFinal(round)) return publish(state, { ...round, number }, state.hasJoined ? 'barrier' : 'keep');
  const deaths = 1 + (round.verb === 'lead' ? 0 : round.deaths);
  // The dead leader is not waited for again.
  const peers = afterDeath(state.peers, round.leader);
  if (deaths < mostDeaths) {
    const hadGathered = round.verb === 'plan';
    const anew: Round = { verb: 'anew', number, leader: local, deaths };
    return publish({ ...state, deaths, peers, hadGathered }, anew, 'gather');
  }
  return publish(state, fallbackOf(state, number, `${deaths} leaders died in this join`), 'adopt');
}

// Publishing: the leader holds the gate of the next round before it sends ranks there.

function publish(state: Leader, next: Round, then: Then): Move {
  const publishing = { ...state, next, then };
  if (next.number === 0) return to(publishing, 'published', { ask: 'publish', round: next });
  return to(publishing, 'held', { ask: 'hold', gate: next.number + 1 });
}

function follow(rules: Rules, state: Leader, now: number): Move {
  const { round } = state;
  switch (state.then) {
    case 'gather':
      return to(state, 'loading', { ask: 'load' });
    case 'write':
      if (round?.verb !== 'plan') break;
      return to(state, 'written', { ask: 'write', plan: round.plan });
    case 'adopt':
    case 'keep':
      return adopt(state);
    case 'opened':
      return to(state, 'opened', { ask: 'opened', all: isFinal(round) && round.all });
    case 'barrier':
      return keepBarrier(rules, state, now);
    case 'idle':
      break;
  }
  return idle(rules, state, now);
}

// Gathering: docs/protocol.md, section 4, steps 1 and 2.

function gather(rules: Rules, state: Leader, now: number): Move {
  const { loading, peers } = state;
  if (loading === undefined) return listen(rules, state, 'gathering', awaitedHellos(rules, state), now);
  if (loading.failed !== undefined) return giveUp({ ...state, failure: loading.failed });
  if (state.hadGathered && !state.hasLooked) {
    return to({ ...state, lookingAt: undefined }, 'gathering', { ask: 'look', among: undefined });
  }
  const awaited = awaitedHellos(rules, state);
  const came = peers.filter(({ said }) => said !== undefined).length + 1;
  const isEverybodyHere = awaited.length === 0 && (rules.expected !== undefined || came === rules.most);
  const quiet = now - state.lastArrival;
  const spread = state.lastArrival - state.firstArrival;
  const isQuiet = state.hadGathered || now >= endOfWhile(rules, state.lastArrival, now, spread);
  if (!isEverybodyHere && !isQuiet) return listen(rules, state, 'gathering', awaited, now);
  // Ranks whose byte is locked are there, and will say hello unless they are stopped.
  const silent = localsOf(present(peers).filter(({ said }) => said === undefined));
  if (silent.length > 0 && quiet < rules.timeout) return listen(rules, state, 'gathering', silent, now);
  return choose({ ...state, peers: afterDrop(peers, silent) });
}

/** The local ranks that the leader waits for. If the launcher tells no number, the ranks that are there. */
function awaitedHellos(rules: Rules, { peers }: Leader): number[] {
  if (rules.expected === undefined) return localsOf(present(peers).filter(({ said }) => said === undefined));
  const heard = new Set(
    localsOf(peers.filter(({ said, absence }) => said !== undefined || absence !== undefined)),
  );
  return othersExpected(rules).filter((rank) => !heard.has(rank));
}

// Planning: section 4, steps 3 and 4.

function choose(state: Leader): Move {
  const number = (state.round?.number ?? 0) + 1;
  return to({ ...state, plans: state.plans + 1 }, 'chosen', { ask: 'choose', number });
}

function plan({ local }: Rules, state: Leader, answer: Answer): Move {
  if (answer.is !== 'plan') {
    const reason = answer.is === 'refused' ? answer.reason : 'no address was found';
    return state.isWritten ? release(state) : giveUp({ ...state, failure: reason });
  }
  const { plan } = answer;
  const next: Round = { verb: 'plan', number: plan.number, leader: local, deaths: state.deaths, plan };
  return publish({ ...state, isWritten: false }, next, 'write');
}

function afterWriting({ pace }: Rules, state: Leader, answer: Answer, now: number): Leader {
  const failure = answer.is === 'refused' ? answer.reason : undefined;
  return { ...state, isWritten: answer.is === 'done', failure, lastHeard: now, lookAt: now + pace.firstLook };
}

function collect(rules: Rules, state: Leader, now: number): Move {
  const number = state.round?.number;
  const here = present(state.peers).filter(({ said }) => said !== undefined && said !== 'done');
  const awaited = localsOf(here.filter((peer) => peer.said === 'hello' || peer.round !== number));
  if (state.failure !== undefined) return giveUp(state);
  if (awaited.length > 0 && now - state.lastHeard >= rules.timeout) {
    return collect(rules, { ...state, peers: afterDrop(state.peers, awaited) }, now);
  }
  if (awaited.length > 0) return listen(rules, state, 'collecting', awaited, now);
  const isTaken = !state.isWritten || here.some(({ said }) => said === 'busy');
  if (isTaken && state.plans < mostPlans) return choose(state);
  if (!state.isWritten) {
    return giveUp({ ...state, failure: `the range of each of ${mostPlans} plans was taken` });
  }
  return release(state);
}

function release(state: Leader): Move {
  const needsXml = present(state.peers).some(({ said, wantsXml }) => said === 'busy' || wantsXml);
  return needsXml ? to(state, 'xml', { ask: 'xml' }) : conclude(state);
}

/** No rank can adopt: all ranks that are there get XML. */
function giveUp(state: Leader): Move {
  if (state.loading === undefined || state.loading.failed !== undefined) return conclude(state);
  return present(state.peers).length > 0 ? to(state, 'xml', { ask: 'xml' }) : conclude(state);
}

/** Publishes the end of the join. After that: publishes XML for a rank that could not adopt. */
function conclude(state: Leader): Move {
  const { round, xml } = state;
  const number = (round?.number ?? 0) + 1;
  if (isFinal(round)) return publish(state, { ...round, number, xml }, 'idle');
  if (round?.verb !== 'plan' || state.failure !== undefined) {
    return publish(state, fallbackOf(state, number, state.failure ?? 'the leader gave up'), 'adopt');
  }
  const planned: Plan = round.plan;
  return publish(state, { verb: 'release', number, passed: 0, all: false, plan: planned, xml }, 'adopt');
}

function fallbackOf({ xml }: Leader, number: number, reason: string): Round {
  return { verb: 'fallback', number, passed: 0, all: false, reason, xml };
}

function adopt(state: Leader): Move {
  const { round } = state;
  if (round?.verb === 'release') return to(state, 'adopted', { ask: 'adopt', plan: round.plan });
  return joined({ ...state, failure: round?.verb === 'fallback' ? round.reason : 'nobody could adopt' });
}

function joined(state: Leader): Move {
  return to(state, 'joined', { ask: 'joined', reason: state.failure });
}

// After the join: section 4, step 5, and section 6.

function idle(rules: Rules, state: Leader, now: number): Move {
  const { round, peers } = state;
  if (state.barrier > 0) return keepBarrier(rules, state, now);
  const help = helpWithXml(state);
  if (help !== undefined) return help;
  const isOver = (peer: Peer) => peer.said === 'done' || peer.absence === 'died';
  const isEverybodyDone = (rules.expected ?? rules.most) === peers.length + 1 && peers.every(isOver);
  if (isEverybodyDone && !rules.keepsFile && !state.isDiscarded && round?.verb === 'release') {
    return to({ ...state, isDiscarded: true }, 'discarded', { ask: 'discard', plan: round.plan.number });
  }
  return to(state, 'idle', { ask: 'hear', until: Infinity });
}

/** Writes XML for ranks that could not adopt after the release; undefined if no rank waits for it. */
function helpWithXml(state: Leader): Move | undefined {
  const { round, peers, xml } = state;
  if (!isFinal(round) || xml !== undefined || !present(peers).some(({ said }) => said === 'failed'))
    return undefined;
  const helped = peers.map((peer) =>
    peer.said === 'failed' ? { ...peer, said: 'declined' as const } : peer,
  );
  return to({ ...state, peers: helped }, 'xml', { ask: 'xml' });
}

function keepBarrier(rules: Rules, state: Leader, now: number): Move {
  // Other ranks may wait at a barrier for a rank that waits for XML.
  const help = helpWithXml(state);
  if (help !== undefined) return help;
  const { round, barrier } = state;
  // The previous leader opened it, and died or left before this rank saw that.
  if (isFinal(round) && round.passed >= barrier) {
    return to({ ...state, barrier: 0 }, 'opened', { ask: 'opened', all: round.all });
  }
  const missing = missingAtBarrier(state);
  if (missing.length > 0) return listen(rules, state, 'atBarrier', missing, now);
  // All ranks that have written to this leader are here. A rank that has not written may be there too.
  return to({ ...state, lookingAt: undefined }, 'surveying', { ask: 'look', among: undefined });
}

function openBarrier(rules: Rules, state: Leader, now: number): Move {
  const { round, peers, barrier } = state;
  if (missingAtBarrier(state).length > 0) return keepBarrier(rules, state, now);
  if (!isFinal(round)) return idle(rules, { ...state, barrier: 0 }, now);
  const came = present(peers).length + 1;
  const all = came === (rules.expected ?? peers.length + 1);
  const next: Round = { ...round, number: round.number + 1, passed: barrier, all };
  return publish({ ...state, barrier: 0 }, next, 'opened');
}

function missingAtBarrier({ peers, barrier }: Leader): number[] {
  return localsOf(present(peers).filter((peer) => peer.barrier < barrier));
}

// Hearing and looking.

/** Waits for lines, or checks locks when it is time to. */
function listen({ pace }: Rules, state: Leader, step: Step, awaited: readonly number[], now: number): Move {
  if (awaited.length === 0) return to(state, step, { ask: 'hear', until: now + pace.nextLook });
  if (now < state.lookAt) return to(state, step, { ask: 'hear', until: state.lookAt });
  const looking = { ...state, lookAt: now + pace.nextLook, lookingAt: awaited };
  return to(looking, step, { ask: 'look', among: awaited });
}

function learn(state: Leader, answer: Answer, now: number): Leader {
  if (answer.is === 'there') return learnFromLook(state, answer.ranks, now);
  if (answer.is !== 'heard') return state;
  const { lines, loading = state.loading, barrier = state.barrier } = answer;
  const number = state.round?.number;
  const answers = lines.filter(({ verb, round }) => isOutOfRound.has(verb) || round === number);
  const peers = answers.reduce(afterLine, state.peers);
  const hasNews = answers.length > 0;
  // Lines from before this rank led may be old.
  const isArrival = peers.length > state.peers.length && state.hasHeard;
  return {
    ...state,
    peers,
    loading,
    barrier,
    hasHeard: true,
    lastHeard: hasNews ? now : state.lastHeard,
    lastArrival: isArrival ? now : state.lastArrival,
  };
}

/** Messages that are valid in any round. */
const isOutOfRound: ReadonlySet<string> = new Set(['failed', 'done', 'barrier']);

function learnFromLook(state: Leader, there: readonly number[], now: number): Leader {
  const peers = afterLook(state.peers, state.lookingAt, there);
  const lastArrival = peers.length > state.peers.length ? now : state.lastArrival;
  return { ...state, peers, lastArrival, hasLooked: true };
}

function nextOf({ next }: Leader): Round {
  if (next === undefined) throw new Error('a leader publishes only what it has decided on');
  return next;
}

function to(state: Leader, step: Step, ask: Ask): Move {
  return { state: { ...state, step }, ask };
}
