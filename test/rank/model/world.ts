// A small node in which the real state machines of ranks run, one system call at a time: locks, gates, one lobby, one line, files.
// Each rank performs its steps in any order with those of the others; a step may find what any real one may find.
import { type Plan, type Round, isFinal } from '../../../src/channel/index.js';
import { type Leader, lead, leader } from '../../../src/rank/leader/leader.js';
import { type Member, arrive, comeToBarrier, member } from '../../../src/rank/member/member.js';
import type { Answer, Ask, End, Heard, Next, Rules } from '../../../src/rank/meeting/steps.js';

/** What may happen in a model. */
export interface Scenario {
  readonly ranks: number;
  /** How many ranks may die, at any step. */
  readonly deaths: number;
  /** How often a range may be found taken. */
  readonly busy: number;
  /** Ranks that may never come. */
  readonly absent: readonly number[];
  /** How many barriers each rank comes to before it leaves. */
  readonly barriers: number;
  /** Whether the launcher tells how many ranks there are. */
  readonly isSizeTold: boolean;
  /** Whether time passes at any moment (a rank may be stopped for as long as you like), or only for a rank that has nothing else to do. */
  readonly stops: boolean;
}

/** Times are relative to now; those that are longer ago than the longest wait are all alike. */
const pace = { tick: 1, shortPause: 1, firstLook: 1, nextLook: 1, fullLobby: 1, xmlPatience: 1 };
const patience = 1;
const timeout = 2;

type Life = 'off' | 'up' | 'dead' | 'left';

export interface RankState {
  readonly life: Life;
  readonly arrived: number;
  readonly machine: Member | Leader | undefined;
  readonly leads: boolean;
  readonly ask: Ask | undefined;
  /** The gate that it waits at; `hadWriter`: its end can be seen. */
  readonly gate:
    { readonly number: number; readonly hadWriter: boolean; readonly isMissing: boolean } | undefined;
  readonly holds: readonly number[];
  readonly loading: 'no' | 'going' | 'over';
  /** How far a step of several system calls has come. */
  readonly half: number;
  /** 0: none; -1: private; else the plan that it adopted. */
  readonly topology: number;
  readonly hasJoined: boolean;
  readonly calls: number;
  readonly passed: number;
  readonly atBarrier: boolean;
  /** Whom the leader found there when it looked last before it opened a barrier. */
  readonly survey: readonly number[];
}

export interface World {
  readonly round: Round | undefined;
  readonly leader: number;
  readonly ranks: readonly RankState[];
  readonly lobby: readonly Heard[];
  readonly files: readonly (readonly [plan: number, complete: boolean])[];
  readonly gates: readonly number[];
  readonly deaths: number;
  readonly busy: number;
  /** How long the leader has been silent. */
  readonly silent: number;
}

export class Violation extends Error {}

const off: RankState = {
  life: 'off',
  arrived: 0,
  machine: undefined,
  leads: false,
  ask: undefined,
  gate: undefined,
  holds: [],
  loading: 'no',
  half: 0,
  topology: 0,
  hasJoined: false,
  calls: 0,
  passed: 0,
  atBarrier: false,
  survey: [],
};

export function beginning({ ranks }: Scenario): World {
  return {
    round: undefined,
    leader: -1,
    ranks: Array.from({ length: ranks }, () => off),
    lobby: [],
    files: [],
    gates: [1],
    deaths: 0,
    busy: 0,
    silent: 0,
  };
}

/** Whether all is over, as it should be. @throws Violation  if it is over as it should not be */
export function isOver({ ranks, round, gates }: World, scenario: Scenario): boolean {
  const isEnd = ranks.every(
    ({ life }, rank) => ['dead', 'left'].includes(life) || (life === 'off' && scenario.absent.includes(rank)),
  );
  // The directory goes with all that is in it, when the last one leaves. What must not be: gates that a reader could wait at for ever.
  if (isEnd && round !== undefined && !gates.includes(round.number + 1)) {
    throw new Violation(`there is no gate behind round ${round.number}`);
  }
  return isEnd;
}

/** How a world ended, for each rank: the plan that it adopted, a topology of its own, or its death. */
export function outcomeOf({ ranks }: World): string {
  return ranks
    .map(({ life, topology }) => (life === 'left' ? (topology > 0 ? 'adopted' : 'own') : life))
    .sort()
    .join(', ');
}

/** All worlds that may follow. @throws Violation */
export function following(world: World, scenario: Scenario): World[] {
  return world.ranks.flatMap((state, rank) => {
    if (state.life === 'off') return [comes(world, scenario, rank)];
    if (state.life !== 'up') return [];
    const next = steps(world, scenario, rank);
    return world.deaths < scenario.deaths ? [...next, dies(world, rank)] : next;
  });
}

function rulesOf(scenario: Scenario, rank: number, arrived: number): Rules {
  return {
    local: rank,
    isVisitor: false,
    leadsAtOnce: rank === 0,
    expected: scenario.isSizeTold ? scenario.ranks : undefined,
    most: undefined,
    arrived,
    patience,
    timeout,
    keepsFile: false,
    pace,
  };
}

function comes(world: World, scenario: Scenario, rank: number): World {
  const { state, ask } = arrive(0);

  return withRank(world, rank, { ...off, life: 'up', machine: state, ask });
}

function dies(world: World, rank: number): World {
  const dead = withRank(world, rank, { ...off, life: 'dead' });
  return { ...dead, deaths: world.deaths + 1, leader: world.leader === rank ? -1 : world.leader };
}

function withRank(world: World, rank: number, state: RankState): World {
  return { ...world, ranks: world.ranks.with(rank, state) };
}

/** Another rank than this has the gate open for writing. */
function hasWriter(world: World, gate: number): boolean {
  return world.ranks.some(({ holds }) => holds.includes(gate));
}

function isThere({ life }: RankState): boolean {
  return life === 'up';
}

/** What may come of the step that a rank has asked for. */
function steps(world: World, scenario: Scenario, rank: number): World[] {
  const state = world.ranks[rank] ?? off;
  const { ask } = state;
  const answered = (answer: Answer, change: Partial<World> = {}, own: Partial<RankState> = {}) =>
    advance(withRank({ ...world, ...change }, rank, { ...state, ...own, half: 0 }), scenario, rank, answer);
  const done = (change: Partial<World> = {}, own: Partial<RankState> = {}) => [
    answered({ is: 'done' }, change, own),
  ];
  const mayBeBusy = world.busy < scenario.busy;
  const others = world.ranks.flatMap((other, local) => (isThere(other) && local !== rank ? [local] : []));
  switch (ask?.ask) {
    case undefined:
      return outside(world, scenario, rank);
    case 'read':
      return [answered({ is: 'round', round: world.round })];
    case 'say': {
      const line: Heard = { ...ask.say, local: rank, round: ask.round };
      return done({ lobby: [...world.lobby, line] });
    }
    case 'open': {
      const isMissing = !world.gates.includes(ask.gate);
      const gate = { number: ask.gate, hadWriter: hasWriter(world, ask.gate), isMissing };
      return done({}, { gate });
    }
    case 'led':
      return [
        answered({
          is: 'led',
          led: world.leader >= 0 && world.leader !== rank,
          zero: world.ranks.some((other, local) => local === 0 && isThere(other)),
          silent: world.silent,
        }),
      ];
    case 'lead':
      if (world.leader === -1) return [answered({ is: 'yes' }, { leader: rank, silent: 0 })];
      return [answered({ is: 'no' })];
    case 'wait': {
      const { gate } = state;
      const ends = hasEnded(world, gate) ? [answered({ is: 'end' })] : [];
      return [...ends, ...timePasses(world, scenario, rank, ask.until, { is: 'time' })];
    }
    case 'reserve':
      return [
        answered({ is: 'done' }),
        ...(mayBeBusy ? [answered({ is: 'busy' }, { busy: world.busy + 1 })] : []),
      ];
    case 'adopt':
      return adopts(world, ask.plan, answered, mayBeBusy);
    case 'fallback':
      return [
        answered({ is: 'got', how: ask.xml === undefined ? 'discovered' : 'xml' }, {}, { topology: -1 }),
      ];
    case 'hold':
      return [holds(world, scenario, rank, ask.gate)];
    case 'publish': {
      if (world.leader !== rank) throw new Violation(`rank ${rank} publishes and does not lead`);
      const before = world.round;
      const { round } = ask;
      if (before !== undefined && round.number <= before.number) {
        throw new Violation(`round ${round.number} comes after round ${before.number}`);
      }
      if (round.verb === 'release') checkBarrier(world, scenario, state, round.passed, round.all);
      return done({ round, silent: 0 });
    }
    case 'close': {
      // Two system calls: the end of the gate, then its name.
      if (state.half === 0) {
        return [
          withRank(world, rank, {
            ...state,
            half: 1,
            holds: state.holds.filter((gate) => gate !== ask.gate),
          }),
        ];
      }
      return done({ gates: world.gates.filter((gate) => gate !== ask.gate) });
    }
    case 'load':
      return done({}, { loading: 'going' });
    case 'hear':
      return hears(world, scenario, rank, ask, answered);
    case 'look': {
      const there = ask.among === undefined ? others : ask.among.filter((local) => others.includes(local));
      const survey = ask.among === undefined ? there : state.survey;
      return [answered({ is: 'there', ranks: there }, {}, { survey })];
    }
    case 'choose': {
      // Where it is does not matter to the machines.
      return [answered({ is: 'plan', plan: { number: ask.number } as Plan })];
    }
    case 'write': {
      if (world.leader !== rank) throw new Violation(`rank ${rank} writes and does not lead`);
      const { number } = ask.plan;
      if (state.half === 0) {
        const began = withRank(world, rank, { ...state, half: 1 });
        return [
          { ...began, files: [[number, false]] },
          ...(mayBeBusy ? [answered({ is: 'busy' }, { busy: world.busy + 1, files: [] })] : []),
        ];
      }
      return done({ files: [[number, true]] });
    }
    case 'xml':
      return [answered({ is: 'xml', xml: { base: 0, thisSystem: true } })];
    case 'discard':
      return done({ files: world.files.filter(([plan]) => plan !== ask.plan) });
    case 'joined': {
      const topology = ask.reason === undefined ? state.topology : -1;
      return done({}, { hasJoined: true, topology, passed: passedIn(world) });
    }
    case 'opened':
      return done({}, { atBarrier: false, passed: state.calls });
    case 'end':
      return [ends(world, scenario, rank, ask.end)];
  }
}

function adopts(
  world: World,
  plan: Plan,
  answered: (answer: Answer, change?: Partial<World>, own?: Partial<RankState>) => World,
  mayBeBusy: boolean,
): World[] {
  const file = world.files.find(([number]) => number === plan.number);
  const refused = (change: Partial<World> = {}) => answered({ is: 'refused', reason: 'taken' }, change);
  // Its name may be removed when everybody has adopted, or a leader took over.
  if (file === undefined) return [refused()];
  if (!file[1]) throw new Violation(`a rank adopts topology.${plan.number}, which is not complete`);
  return [
    answered({ is: 'done' }, {}, { topology: plan.number }),
    ...(mayBeBusy ? [refused({ busy: world.busy + 1 })] : []),
  ];
}

/** Somebody who waits at a gate with a writer will see its end. */
function holds(world: World, scenario: Scenario, rank: number, gate: number): World {
  const ranks = world.ranks.map((other, local) => ({
    ...other,
    gate:
      other.gate?.number === gate && !other.gate.isMissing ? { ...other.gate, hadWriter: true } : other.gate,
    holds: local === rank ? [...other.holds.filter((held) => held !== gate), gate] : other.holds,
  }));
  const gates = world.gates.includes(gate) ? world.gates : [...world.gates, gate];
  return advance({ ...world, ranks, gates }, scenario, rank, { is: 'done' });
}

function hears(
  world: World,
  scenario: Scenario,
  rank: number,
  ask: Extract<Ask, { ask: 'hear' }>,
  answered: (answer: Answer, change?: Partial<World>, own?: Partial<RankState>) => World,
): World[] {
  const state = world.ranks[rank] ?? off;
  if (state.half === 1) return [leaves(world, rank)];
  const [line, ...rest] = world.lobby;
  const found: World[] = [];
  if (line !== undefined) {
    // Its own lines, from before it led, are skipped.
    const lines = line.local === rank ? [] : [line];
    found.push(answered({ is: 'heard', lines }, { lobby: rest }));
  }
  if (state.loading === 'going') {
    found.push(answered({ is: 'heard', lines: [], loading: { failed: undefined } }, {}, { loading: 'over' }));
  }
  if (state.hasJoined && !state.atBarrier && state.calls < scenario.barriers) {
    const calls = state.calls + 1;
    const own = { calls: Math.max(calls, state.passed + 1), atBarrier: true };
    found.push(answered({ is: 'heard', lines: [], barrier: own.calls }, {}, own));
  }
  if (state.hasJoined && !state.atBarrier && state.calls >= scenario.barriers) {
    found.push(leaves(world, rank));
  }
  if (ask.until === Infinity) return found;
  return [...found, ...timePasses(world, scenario, rank, ask.until, { is: 'heard', lines: [] })];
}

/** A leader that leaves gives its lock back before its gates end. */
function leaves(world: World, rank: number): World {
  const state = world.ranks[rank] ?? off;
  if (state.half === 0 && world.leader === rank) {
    return { ...withRank(world, rank, { ...state, half: 1 }), leader: -1 };
  }
  if (state.topology === 0) throw new Violation(`rank ${rank} leaves without a topology`);
  return withRank(world, rank, { ...off, life: 'left', topology: state.topology > 0 ? 1 : -1 });
}

/** A rank between its join, its barriers and its end. */
function outside(world: World, scenario: Scenario, rank: number): World[] {
  const state = world.ranks[rank] ?? off;
  if (state.passed < scenario.barriers && state.calls < scenario.barriers) {
    const calls = state.passed + 1;
    const next = comeToBarrier(calls, 0);
    return [began(world, rank, { ...state, calls, atBarrier: true }, next)];
  }
  return [leaves(world, rank)];
}

function ends(world: World, scenario: Scenario, rank: number, end: End): World {
  const state = world.ranks[rank] ?? off;
  const free = { ...state, machine: undefined, ask: undefined, gate: undefined };
  switch (end.kind) {
    case 'joined':
      return withRank(world, rank, { ...free, hasJoined: true, passed: passedIn(world) });
    case 'leads': {
      const rules = rulesOf(scenario, rank, state.arrived);
      const next = lead(rules, 0, state.atBarrier ? state.calls : 0);
      return began(world, rank, { ...free, leads: true }, next);
    }
    case 'passed':
      return withRank(world, rank, { ...free, atBarrier: false, passed: state.calls });
    case 'alone':
      return withRank(world, rank, { ...free, atBarrier: false, passed: Math.max(end.passed, state.calls) });
  }
}

function passedIn({ round }: World): number {
  return isFinal(round) ? round.passed : 0;
}

function checkBarrier(
  world: World,
  scenario: Scenario,
  state: RankState,
  passed: number,
  all: boolean,
): void {
  if (passed === 0 || (world.round !== undefined && passedIn(world) === passed)) return;
  for (const local of state.survey) {
    const other = world.ranks[local];
    if (other?.life === 'up' && other.calls < passed && !isDropped(state.machine, local)) {
      throw new Violation(`barrier ${passed} opens before rank ${local} has come to it`);
    }
  }
  const came = world.ranks.filter(({ life, calls }) => life === 'up' && calls >= passed).length;
  const gone = world.ranks.filter(({ life }) => life !== 'up').length;
  // Where nobody knows how many there are, all are those that the leader found.
  if (all && scenario.isSizeTold && came + gone < world.ranks.length)
    throw new Violation('a barrier claims ranks that did not come');
}

/** Whether a leader has given a rank up, which was stopped for longer than the timeout: no barrier waits for it, and none claims it. */
function isDropped(machine: RankState['machine'], local: number): boolean {
  return (
    machine !== undefined &&
    'peers' in machine &&
    machine.peers.some((peer) => peer.local === local && peer.absence === 'dropped')
  );
}

/** Time goes on to a moment; all moments are relative to now. */
function timePasses(world: World, scenario: Scenario, rank: number, until: number, answer: Answer): World[] {
  if (!scenario.stops && !world.ranks.every((state) => waits(world, scenario, state))) return [];
  const later = until <= 0 ? world : shifted(world, until);
  return [advance(later, scenario, rank, answer)];
}

/** Whether a rank can do nothing but wait. */
function waits(world: World, scenario: Scenario, state: RankState): boolean {
  const { life, ask, gate } = state;
  if (life !== 'up') return true;
  if (ask?.ask === 'wait') return !hasEnded(world, gate);
  if (ask?.ask !== 'hear') return false;
  return world.lobby.length === 0 && state.loading !== 'going' && (!state.hasJoined || state.atBarrier);
}

function hasEnded(world: World, gate: RankState['gate']): boolean {
  return gate === undefined || gate.isMissing || (gate.hadWriter && !hasWriter(world, gate.number));
}

function shifted(world: World, by: number): World {
  const since = (time: number) => Math.max(-timeout, time - by);
  const until = (time: number) => Math.max(0, time - by);
  return {
    ...world,
    silent: Math.min(timeout, world.silent + by),
    ranks: world.ranks.map((state) => {
      if (state.life !== 'up') return state;
      const { machine, ask } = state;
      return {
        ...state,
        arrived: since(state.arrived),
        machine: machine === undefined ? undefined : shiftedMachine(machine, since, until),
        ask: ask !== undefined && 'until' in ask ? { ...ask, until: until(ask.until) } : ask,
      };
    }),
  };
}

type Shift = (time: number) => number;

function shiftedMachine(machine: Member | Leader, since: Shift, until: Shift): Member | Leader {
  if ('since' in machine) return { ...machine, since: since(machine.since) };
  const { firstArrival, lastArrival, lastHeard, lookAt } = machine;
  return {
    ...machine,
    firstArrival: since(firstArrival),
    lastArrival: since(lastArrival),
    lastHeard: since(lastHeard),
    lookAt: until(lookAt),
  };
}

function advance(world: World, scenario: Scenario, rank: number, answer: Answer): World {
  const state = world.ranks[rank] ?? off;
  const rules = rulesOf(scenario, rank, state.arrived);
  const { machine } = state;
  if (machine === undefined) return world;
  const next = 'since' in machine ? member(rules, machine, answer, 0) : leader(rules, machine, answer, 0);
  const isLeaders = world.leader === rank;
  const after = began(isLeaders ? { ...world, silent: 0 } : world, rank, { ...state, half: 0 }, next);
  return performUnseen(after, scenario, rank);
}

/** Steps that no other rank can see, and that have one answer, are performed together with the one before. */
const unseen: ReadonlySet<Ask['ask']> = new Set(['choose', 'load', 'xml', 'joined']);

function performUnseen(world: World, scenario: Scenario, rank: number): World {
  const ask = world.ranks[rank]?.ask?.ask;
  if (ask === undefined || !unseen.has(ask)) return world;
  return steps(world, scenario, rank)[0] ?? world;
}

function began(
  world: World,
  rank: number,
  state: RankState,
  { state: machine, ask }: Next<Member | Leader>,
): World {
  return withRank(world, rank, { ...state, machine: withoutThePast(machine), ask, half: 0 });
}

/** After its join, a leader looks at nothing any more that it has noted before: worlds that differ in that alone are the same. */
function withoutThePast(machine: Member | Leader): Member | Leader {
  if ('since' in machine) return machine;
  if (machine.hasJoined)
    return { ...machine, firstArrival: 0, lastArrival: 0, lastHeard: 0, plans: 0, deaths: 0 };
  return machine.round?.verb === 'plan'
    ? { ...machine, firstArrival: 0, lastArrival: 0 }
    : { ...machine, lastHeard: 0 };
}
