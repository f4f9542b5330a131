// Performs what the machine of a leader asks for, one step after another: in the join, and then for as long as the rank leads.

import { type Plan, type Xml, isFinal, keptPath, publishRound, readRound } from '../../channel/index.js';
import { codeOf } from '../../channel/place/index.js';
import { type Reservation, HwlocError, pageSize, reserve } from '../../libc/index.js';
import { type Topology } from '../../hwloc/index.js';
import {
  type HolePolicy,
  chooseHole,
  combine,
  intersects,
  ownOccupied,
  parsePolicy,
} from '../../maps/index.js';
import { hostName } from '../../environment/index.js';
import { patientNow } from '../alarm.js';
import type { Context } from '../context.js';
import type { Pieces } from '../data/make.js';
import type { Shared } from '../data/open.js';
import { takeData } from '../data/taken.js';
import { discover } from '../discover.js';
import { ShareError } from '../errors.js';
import { privateOutcome, takeFallback } from '../fallback.js';
import type { Got } from '../member/perform.js';
import type { Meeting } from '../meeting.js';
import { messageOf } from '../notice.js';
import { now } from '../now.js';
import { adoptPlan, adoptedOutcome, leadersXml, planFile } from '../plans.js';
import { reach } from '../report/points.js';
import { shapeOf } from '../shape.js';
import type { Answer, Ask, Loading, Next, Rules } from '../steps.js';
import { listen } from './ears.js';
import type { Kept, Keeping } from './kept.js';
import { type Leader, lead, leader } from './leader.js';
import { type Peers, othersExpected } from './peers.js';
import { type Ledger, ledger } from './ranges.js';
import { isOfThePlace, storeOf } from './store.js';
import { missingIn, tellOfDropped, tellOfMissing } from './tell.js';

/** A rank that leads. */
export interface Leading {
  /**
   * Resolves when the leader has its topology. It leads on until it leaves.
   *
   * @throws NotSharedError, ShareError, HwlocError
   */
  readonly joined: Promise<Got>;
  /** Resolves when a barrier has opened, to whether all ranks took part; to undefined if it cannot be kept any more. */
  barrier(number: number): Promise<boolean | undefined>;
  /** The same for the barrier that it took over. */
  readonly firstBarrier: Promise<boolean | undefined>;
  /** How many barriers have been passed. */
  passed(): number;
  /** The other ranks, as far as it knows. */
  peers(): Peers;
  /** The local ranks that have not come. */
  missing(): number[];
  /** A rank's number in the job. */
  rankOf(local: number): number | undefined;
}

/** Leads. @param barrier  The barrier at which the leader before was lost; 0: in the join. */
export function startToLead(context: Context, meeting: Meeting, rules: Rules, barrier = 0): Leading {
  const { settings, notice, clock, allowed } = context;
  const { channel } = meeting;
  const { roll, path } = channel;
  const book: Ledger = ledger();
  const store = storeOf(context, channel);
  meeting.whenLeaving(() => {
    store.close();
  });
  const ears = listen(meeting, rules, book, notice);

  let next: Next<Leader> = lead(rules, patientNow(), barrier);
  let own: Topology | undefined;
  let reservation: Reservation | undefined;
  let adopted: { readonly topology: Topology; readonly plan: Plan } | undefined;
  let length = 0;
  let didDiscover = false;
  /** Where steps leave their topologies to later ones; undefined where nobody holds such a place. */
  let keeping: Keeping | undefined;
  /** What an earlier step left, while this step may still use it. */
  let kept: Kept | undefined;
  /** When it was discovered, if this step's topology is that one. */
  let keptSince: number | undefined;
  let pieces: Pieces | undefined;
  let failure: unknown;
  let written: number | undefined;
  let settle: { resolve(got: Got): void; reject(error: unknown): void } | undefined;
  let hasStopped = false;
  let opened: ((all: boolean | undefined) => void) | undefined;

  const joined = new Promise<Got>((resolve, reject) => (settle = { resolve, reject }));
  joined.catch(() => undefined);
  const firstBarrier = barrier === 0 ? Promise.resolve(undefined) : untilOpened();
  let renewed = 0;
  renew();
  void run();

  return {
    joined,
    firstBarrier,
    barrier(number) {
      const opening = untilOpened();
      ears.keepAlive(true);
      ears.come(number);
      return opening;
    },
    passed() {
      const { round } = next.state;
      return isFinal(round) ? round.passed : 0;
    },
    peers: () => next.state.peers,
    missing: () => missingIn(rules, next.state.peers),
    rankOf: (local) => book.rankOf(local),
  };

  function untilOpened(): Promise<boolean | undefined> {
    if (hasStopped) return Promise.resolve(undefined);
    return new Promise((resolve) => (opened = resolve));
  }

  async function run(): Promise<void> {
    try {
      for (;;) {
        const answer = perform(next.ask);
        next = leader(rules, next.state, answer instanceof Promise ? await answer : answer, patientNow());
      }
    } catch (error) {
      // The channel was removed, or cannot be written to. The others see the end of the gate, and one of them leads.
      hasStopped = true;
      meeting.closeLobby();
      reservation?.release();
      settle?.reject(error);
      opened?.(undefined);
      if (own !== undefined && adopted === undefined) own.close();
    }
  }

  function perform(ask: Ask): Answer | Promise<Answer> {
    switch (ask.ask) {
      case 'read':
        return { is: 'round', round: readRound(path) };
      case 'hold':
        meeting.hold(ask.gate);
        return { is: 'done' };
      case 'publish':
        if (ask.round.verb === 'release' && adopted === undefined) reach('leader:agreed');
        publishRound(path, ask.round);
        if (ask.round.verb === 'plan') {
          clock.mark('plan');
          reach('leader:planned');
        } else if (ask.round.verb === 'release') reach('leader:released');
        return { is: 'done' };
      case 'close':
        meeting.end(ask.gate);
        return { is: 'done' };
      case 'load':
        reach('leader:claimed');
        void load();
        return { is: 'done' };
      case 'hear':
        renew();
        return ears.hear(ask.until);
      case 'look':
        return { is: 'there', ranks: roll.held(ask.among ?? everybody()) };
      case 'choose':
        return choose(ask.number);
      case 'write':
        return write(ask.plan);
      case 'xml':
        return { is: 'xml', xml: writeXml() };
      case 'discard':
        store.discard(ask.plan);
        return { is: 'done' };
      case 'adopt':
        return adopt(ask.plan);
      case 'joined':
        return finish(ask.reason);
      case 'opened':
        ears.keepAlive(false);
        reach('leader:barrier');
        opened?.(ask.all);
        opened = undefined;
        return { is: 'done' };
      default:
        throw new Error(`a leader does not ${ask.ask}`);
    }
  }

  /** Once a second, or four times within the timeout, members see that this rank is not stopped. */
  function renew(): void {
    if (now() - renewed < Math.min(1000, rules.timeout / 4)) return;
    renewed = now();
    roll.renew();
  }

  /** The bytes of all other ranks; undefined where nobody knows how many there are. */
  function everybody(): number[] | undefined {
    return rules.expected === undefined ? undefined : othersExpected(rules);
  }

  /** Loads the topology, and has the data made and written, while the others come. */
  async function load(): Promise<void> {
    let loading: Loading = { failed: undefined };
    try {
      const sharing = context.share === undefined ? undefined : putInFront(context.share);
      sharing?.catch(() => undefined); // it is waited for below
      await lookForKept();
      // A file has names under one root only, and behind data, a topology has to be written anew.
      const isHere = kept?.file.startsWith(`${channel.root}/`) === true && sharing === undefined;
      if (!isHere) await loadOwn();
      clock.mark('load');
      reach('leader:loaded');
      pieces = await sharing;
    } catch (error) {
      failure = error;
      loading = { failed: messageOf(error) };
    }
    ears.loaded(loading);
  }

  /** What steps have in common, where somebody holds it for them. */
  async function lookForKept(): Promise<void> {
    const place = keptPath(context.roots, hostName());
    if (place === undefined) return;
    keeping = (await import('./kept.js')).keepingIn(place, context);
    ({ kept } = keeping);
    keptSince = kept?.since;
    length = kept?.bytes ?? 0;
  }

  /** Gets a topology that can be written: a copy of the kept one, or by a discovery. */
  async function loadOwn(): Promise<void> {
    const from = kept;
    kept = undefined;
    try {
      own = from?.copy();
    } catch {
      // Its range is taken in this process.
    }
    if (own === undefined) {
      keptSince = undefined;
      own = await discover(context);
      didDiscover = true;
    }
    // Now, while others still come: libhwloc copies the whole topology to see how long it is.
    length = own.sharedLength();
  }

  async function putInFront(share: NonNullable<Context['share']>): Promise<Pieces> {
    return (await import('../data/make.js')).putInFront(share, store);
  }

  function choose(number: number): Answer | Promise<Answer> {
    if (own === undefined && kept === undefined) return { is: 'refused', reason: 'nothing was loaded' };
    if (written === undefined) {
      written = 0;
      clock.mark('gather');
      reach('leader:gathered');
      tellOfMissing(context, rules, next.state.peers);
      if (!book.allAllowed(allowed)) return coverEverybody().then(() => chooseNow(number));
    }
    return chooseNow(number);
  }

  /** The topology that all ranks can use: with what this rank's own cgroup does not allow, where theirs differ. */
  async function coverEverybody(): Promise<void> {
    own?.close();
    // It belongs to these ranks, and to no later step.
    kept = keeping = keptSince = undefined;
    own = await discover(context, { includeDisallowed: true });
    didDiscover = true;
    length = own.sharedLength();
    clock.mark('load');
  }

  function chooseNow(number: number): Answer | Promise<Answer> {
    try {
      const before = reservation;
      reservation = undefined;
      before?.release();
      const occupied = combine([ownOccupied(), ...book.occupied()]);
      if (own === undefined && kept !== undefined) {
        const { at, bytes } = kept;
        const isFree = written === 0 && !intersects(occupied.ranges, { start: at, end: at + bytes });
        return isFree ? planFor(number, at, kept.abi) : loadOwn().then(() => chooseNow(number), refusedBy);
      }
      const seed = `${context.identity.key}#${number}`;
      const at = chooseHole({ occupied, length, pageSize: pageSize(), policy: policyOf(context), seed });
      return planFor(number, at, own?.abi ?? 0);
    } catch (error) {
      return refusedBy(error);
    }
  }

  function planFor(number: number, at: number, abi: number): Answer {
    const { base, offset } = store;
    const shape = shapeOf(settings);
    return { is: 'plan', plan: { number, at, bytes: length, offset, abi, base, shape } };
  }

  function write(plan: Plan): Answer {
    const before = written;
    try {
      reach('leader:writing');
      if (kept !== undefined && !linkKept(kept, plan)) return { is: 'busy' };
      if (kept === undefined) {
        if (own === undefined) throw new Error('nothing was loaded');
        store.write(own, plan);
      }
      written = plan.number;
      reach('leader:written');
      // As in every rank: between now and the release something else might take it.
      reservation = reserve(plan.at, plan.bytes);
      clock.mark('write');
      return { is: 'done' };
    } catch (error) {
      // EBUSY is this process's own range, taken since we looked; EEXIST: something is at the file's name. The next plan has others.
      const code = codeOf(error);
      if ((error instanceof HwlocError && code === 'EBUSY') || code === 'EEXIST') return { is: 'busy' };
      if (isOfThePlace(error) && store.moveOn()) {
        notice(`${planFile(context, channel, plan)}: ${messageOf(error)}; using the next directory`);
        return { is: 'busy' };
      }
      return refusedBy(error);
    } finally {
      if (before !== undefined && before > 0) store.discard(before);
    }
  }

  /** Gives the kept file the name of a plan. @returns false if it cannot be used: the next plan is for a topology of our own. */
  function linkKept({ file, use }: Kept, plan: Plan): boolean {
    try {
      // Before anybody is told to adopt it.
      use(() => undefined);
      if (store.link(file, plan.number)) return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') throw error;
    }
    written = plan.number;
    return false;
  }

  function writeXml(): Xml | undefined {
    const topology = adopted?.topology ?? own;
    if (topology !== undefined) return xmlOf(topology);
    if (kept === undefined) return undefined;
    const { at, bytes, use } = kept;
    try {
      reservation?.release();
      reservation = undefined;
      const xml = use(xmlOf);
      reservation = reserve(at, bytes);
      return xml;
    } catch (error) {
      notice(`no XML for the ranks that cannot adopt: ${messageOf(error)}`);
      return undefined;
    }
  }

  function xmlOf(topology: Topology): Xml | undefined {
    const base = store.writeXml(topology);
    return base === undefined ? undefined : { base, thisSystem: topology.isThisSystem };
  }

  function adopt(plan: Plan): Answer {
    try {
      reservation?.release();
      reservation = undefined;
      adopted = { topology: adoptPlan(planFile(context, channel, plan), plan), plan };
      clock.mark('adopt');
      reach('leader:adopted');
      if (didDiscover && plan.number === written && plan.offset === 0)
        keeping?.keep(planFile(context, channel, plan));
      return { is: 'done' };
    } catch (error) {
      return refusedBy(error);
    }
  }

  async function finish(reason: string | undefined): Promise<Answer> {
    tellOfDropped(context, rules, next.state.peers);
    const result = settle;
    settle = undefined;
    try {
      const got = await whatItGot(reason);
      ears.keepAlive(false);
      result?.resolve(got);
    } catch (error) {
      result?.reject(error);
    }
    return { is: 'done' };
  }

  async function whatItGot(reason: string | undefined): Promise<Got> {
    if (adopted !== undefined) {
      own?.close();
      return {
        topology: adopted.topology,
        outcome: adoptedOutcome(adopted.plan, clock, didDiscover, keptSince),
        plan: adopted.plan,
        shared: await dataOf(adopted.plan),
      };
    }
    if (failure instanceof ShareError) throw failure;
    const why = reason ?? 'nobody could adopt';
    const { round } = next.state;
    const plan = round?.verb === 'release' ? round.plan : undefined;
    if (own === undefined || settings.strict) {
      // It took over from a leader whose topology it could not adopt, or could not load one.
      const offered = leadersXml(context, channel, isFinal(round) ? round.xml : undefined);
      return { ...(await takeFallback(context, why, offered)), plan, shared: await dataOf(plan) };
    }
    notice(`${why}; keeping its own copy of the topology`);
    const outcome = { ...privateOutcome('discovered', why, context), didDiscover, kept: keptSince };
    return { topology: own, outcome, plan, shared: await dataOf(plan) };
  }

  /** As everybody else, the leader has the pages of the file; data that found no room it has as it was given. */
  async function dataOf(plan: Plan | undefined): Promise<Shared | undefined> {
    const shared =
      plan === undefined ? undefined : await takeData(context, planFile(context, channel, plan), plan);
    if (shared !== undefined || pieces === undefined) return shared;
    return (await import('../data/open.js')).named(pieces);
  }
}

function refusedBy(error: unknown): Answer {
  return { is: 'refused', reason: messageOf(error) };
}

function policyOf({ settings, notice }: Context): HolePolicy {
  if (settings.hole === undefined) return 'scatter';
  const policy = parsePolicy(settings.hole);
  if (policy === undefined) notice(`HWLOC_SHARE_HOLE=${settings.hole}: unknown hole policy; using scatter`);
  return policy ?? 'scatter';
}
