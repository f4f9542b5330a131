// The topology that a leader shares with the ranks of its node: loads it, chooses its address, writes its
// file, and exports it as XML.

import { type Channel, type Plan, type Round, type Xml, isFinal } from '../../channel/index.js';
import { codeOf, messageOf } from '../../errors/index.js';
import { hostName } from '../../environment/index.js';
import type { Topology } from '../../hwloc/index.js';
import { keptPath } from '../../kept/index.js';
import { type Reservation, HwlocError, pageSize, reserve } from '../../libc/index.js';
import {
  type Claimed,
  type HolePolicy,
  type Range,
  chooseHole,
  combine,
  isFree,
  ownOccupied,
  parsePolicy,
} from '../../maps/index.js';
import type { Context } from '../context.js';
import type { Pieces } from '../data/make.js';
import type { Shared } from '../data/open.js';
import { takeData } from '../data/taken.js';
import { discover, privateOutcome, takeFallback } from '../fallback.js';
import { ShareError } from '../errors.js';
import type { Got } from '../member/perform.js';
import { adoptPlan, adoptedOutcome, leadersXml, planFile, shapeOf } from '../meeting/plans.js';
import { reach } from '../report/trace-points.js';
import type { Answer, Loading } from '../meeting/steps.js';
import type { Kept, Keeping } from './kept.js';
import type { Reported } from './reported.js';
import { isOfThePlace, topologyFiles } from './topology-files.js';

/** The leader's steps about its topology. Functions that return an {@link Answer} do not throw. */
export interface SharedTopology {
  /**
   * Loads the topology, and makes and writes the data, while the other ranks come. @param number  The number
   * of the first plan.
   */
  load(number: number): Promise<Loading>;
  /** @param isFirst  Whether it is the first plan of this leader. */
  choose(number: number, isFirst: boolean): Answer | Promise<Answer>;
  write(plan: Plan): Answer;
  writeXml(): Xml | undefined;
  adopt(plan: Plan): Answer;
  discard(number: number): void;
  /**
   * The result of this rank's join.
   *
   * @param reason  Why it has not adopted.
   * @param round   The round that ended the join.
   * @throws NotSharedError, ShareError, HwlocError
   */
  result(reason: string | undefined, round: Round | undefined): Promise<Got>;
  /** Drops the topology, since no rank can adopt it any more. */
  abandon(): void;
  /** Leaves the directories under other roots. */
  close(): void;
}

/** @param reported  The occupied ranges and allowed resources of the other ranks. */
export function shareTopology(context: Context, channel: Channel, reported: Reported): SharedTopology {
  const { settings, notice, clock, allowed } = context;
  const files = topologyFiles(context, channel);
  let own: Topology | undefined;
  let length = 0;
  let didDiscover = false;
  /**
   * The kept channel, where steps leave their topologies to later steps; undefined if no process holds one.
   */
  let keeping: Keeping | undefined;
  /** The topology of an earlier step, as long as this step may still use it. */
  let kept: Kept | undefined;
  /** When the kept topology was discovered, if this step uses it. */
  let keptSince: number | undefined;
  let pieces: Pieces | undefined;
  let failure: unknown;
  /** Keeps the range of a written file free in this process. */
  let reservation: Reservation | undefined;
  /** A plan whose file is already written, before any rank was told of it. */
  let ahead: Plan | undefined;
  /** The number of the last plan that was written; 0: none. */
  let written = 0;
  let adopted: { readonly topology: Topology; readonly plan: Plan } | undefined;

  const releaseRange = () => {
    reservation?.release();
    reservation = undefined;
  };

  return {
    load,
    choose,
    write,
    writeXml,
    adopt,
    discard(number) {
      files.discard(number);
    },
    result,
    abandon() {
      releaseRange();
      if (own !== undefined && adopted === undefined) own.close();
    },
    close() {
      files.close();
    },
  };

  async function load(number: number): Promise<Loading> {
    try {
      const sharing = context.share === undefined ? undefined : writeData(context.share);
      sharing?.catch(() => undefined); // it is waited for below
      await lookForKept();
      // A file has names under one root only, and a topology after data must be written anew.
      const isHere = kept?.file.startsWith(`${channel.root}/`) === true && sharing === undefined;
      if (!isHere) await loadOwn();
      clock.mark('load');
      reach('leader:loaded');
      pieces = await sharing;
      writeAhead(number);
      return { failed: undefined };
    } catch (error) {
      failure = error;
      return { failed: messageOf(error) };
    }
  }

  /** Finds the kept channel, if a process holds one. */
  async function lookForKept(): Promise<void> {
    const place = keptPath(context.roots, hostName());
    if (place === undefined) return;
    keeping = (await import('./kept.js')).keepingIn(place, context);
    ({ kept } = keeping);
    keptSince = kept?.since;
    length = kept?.bytes ?? 0;
  }

  /** Gets a topology that can be written: a copy of the kept one, or a new discovery. */
  async function loadOwn(): Promise<void> {
    const from = kept;
    kept = undefined;
    try {
      own = from?.copy();
    } catch {
      // The range of the kept topology is occupied in this process.
    }
    if (own === undefined) {
      keptSince = undefined;
      own = await discover(context);
      didDiscover = true;
    }
    // Computed now, while other ranks still come: libhwloc copies the whole topology to compute its length.
    length = own.sharedLength();
  }

  async function writeData(share: NonNullable<Context['share']>): Promise<Pieces> {
    return (await import('../data/make.js')).writeData(share, files);
  }

  /**
   * Writes the file of the first plan while other ranks still come, so that no rank waits for it. An address
   * that is free in this rank is nearly always free in all others too. Only for `scatter`: the other policies
   * need the ranges of all ranks. If this fails, the file is written when all ranks have come.
   */
  function writeAhead(number: number): void {
    if (own === undefined || settings.hole !== undefined) return;
    try {
      const plan = planFor(number, addressFor(number, [ownOccupied()]), own.abi);
      if (writeOwn(plan).is === 'done') ahead = plan;
    } catch {
      // There is no hole. The later plan for all ranks reports this.
    }
  }

  function choose(number: number, isFirst: boolean): Answer | Promise<Answer> {
    if (own === undefined && kept === undefined) return { is: 'refused', reason: 'nothing was loaded' };
    if (isFirst && !reported.allAllowed(allowed)) return coverEverybody().then(() => chooseNow(number));
    return chooseNow(number);
  }

  /**
   * Loads a topology that all ranks can use. If their allowed resources differ, it also includes what this
   * rank's own cgroup does not allow.
   */
  async function coverEverybody(): Promise<void> {
    forgetAhead();
    own?.close();
    // The topology is only for these ranks, not for later steps.
    kept = keeping = keptSince = undefined;
    own = await discover(context, { includeDisallowed: true });
    didDiscover = true;
    length = own.sharedLength();
    clock.mark('load');
  }

  function forgetAhead(): void {
    if (ahead === undefined) return;
    discard(ahead);
    ahead = undefined;
    releaseRange();
  }

  function chooseNow(number: number): Answer | Promise<Answer> {
    const others = reported.occupied();
    if (ahead?.number === number && isFree(rangeOf(ahead), others)) return { is: 'plan', plan: ahead };
    forgetAhead();
    try {
      releaseRange();
      const everybody = [ownOccupied(), ...others];
      if (own === undefined && kept !== undefined) {
        return written === 0 && isFree(rangeOf(kept), everybody)
          ? { is: 'plan', plan: planFor(number, kept.at, kept.abi) }
          : loadOwn().then(() => chooseNow(number), refusedBy);
      }
      return { is: 'plan', plan: planFor(number, addressFor(number, everybody), own?.abi ?? 0) };
    } catch (error) {
      return refusedBy(error);
    }
  }

  function addressFor(number: number, everybody: readonly Claimed[]): number {
    return chooseHole({
      occupied: combine(everybody),
      length,
      pageSize: pageSize(),
      policy: policyOf(context),
      seed: `${context.identity.key}#${number}`,
    });
  }

  function planFor(number: number, at: number, abi: number): Plan {
    const { base, offset } = files;
    return { number, at, bytes: length, offset, abi, base, shape: shapeOf(settings) };
  }

  function write(plan: Plan): Answer {
    const before = written;
    const answer = plan === ahead ? done : kept === undefined ? writeOwn(plan) : linkKept(kept, plan);
    ahead = undefined;
    if (answer.is === 'done') written = plan.number;
    if (before > 0) files.discard(before);
    return answer;
  }

  function writeOwn(plan: Plan): Answer {
    if (own === undefined) return { is: 'refused', reason: 'nothing was loaded' };
    try {
      reach('leader:writing');
      files.write(own, plan);
    } catch (error) {
      return whatNow(error, plan);
    }
    try {
      hold(plan);
      return done;
    } catch (error) {
      discard(plan);
      return whatNow(error, plan);
    }
  }

  /** A file with data before the topology is used again, for the next address. */
  function discard({ number, offset }: Plan): void {
    if (offset === 0) files.discard(number);
  }

  /** Like every rank, reserves the range: before the release, something else could be mapped there. */
  function hold({ at, bytes }: Plan): void {
    reservation = reserve(at, bytes);
    clock.mark('write');
    reach('leader:written');
  }

  function whatNow(error: unknown, plan: Plan): Answer {
    // EBUSY: the range has become occupied in this process since the check. EEXIST: the file name is taken.
    // The next plan has another range and name.
    const code = codeOf(error);
    if ((error instanceof HwlocError && code === 'EBUSY') || code === 'EEXIST') return { is: 'busy' };
    if (isOfThePlace(error) && files.moveOn()) {
      notice(`${planFile(context, channel, plan)}: ${messageOf(error)}; using the next directory`);
      return { is: 'busy' };
    }
    return refusedBy(error);
  }

  /**
   * Gives the kept file the name of a plan. If it cannot be used, the next plan is for a topology of this
   * step.
   */
  function linkKept({ file, use }: Kept, plan: Plan): Answer {
    try {
      // Tests it before any rank is told to adopt it.
      use(() => undefined);
      if (files.link(file, plan.number)) {
        hold(plan);
        return done;
      }
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return { is: 'busy' };
    }
    written = plan.number;
    return { is: 'busy' };
  }

  function writeXml(): Xml | undefined {
    const topology = adopted?.topology ?? own;
    if (topology !== undefined) return xmlOf(topology);
    if (kept === undefined) return undefined;
    const { at, bytes, use } = kept;
    try {
      releaseRange();
      const xml = use(xmlOf);
      reservation = reserve(at, bytes);
      return xml;
    } catch (error) {
      notice(`no XML for the ranks that cannot adopt: ${messageOf(error)}`);
      return undefined;
    }
  }

  function xmlOf(topology: Topology): Xml | undefined {
    const base = files.writeXml(topology);
    return base === undefined
      ? undefined
      : { base, thisSystem: topology.isThisSystem, shape: shapeOf(settings) };
  }

  function adopt(plan: Plan): Answer {
    try {
      releaseRange();
      adopted = { topology: adoptPlan(planFile(context, channel, plan), plan), plan };
      clock.mark('adopt');
      reach('leader:adopted');
      if (didDiscover && plan.number === written && plan.offset === 0)
        keeping?.keep(planFile(context, channel, plan));
      return done;
    } catch (error) {
      return refusedBy(error);
    }
  }

  async function result(reason: string | undefined, round: Round | undefined): Promise<Got> {
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
    const plan = round?.verb === 'release' ? round.plan : undefined;
    if (own === undefined || settings.strict) {
      // This rank took over from a leader whose topology it could not adopt, or it could not load one.
      const offered = leadersXml(context, channel, isFinal(round) ? round.xml : undefined);
      return { ...(await takeFallback(context, why, offered)), plan, shared: await dataOf(plan) };
    }
    notice(`${why}; keeping its own copy of the topology`);
    const outcome = { ...privateOutcome('discovered', why, context), didDiscover, kept: keptSince };
    return { topology: own, outcome, plan, shared: await dataOf(plan) };
  }

  /**
   * Like every rank, the leader uses the pages of the file. If no file had room, it uses the data as given.
   */
  async function dataOf(plan: Plan | undefined): Promise<Shared | undefined> {
    const shared =
      plan === undefined ? undefined : await takeData(context, planFile(context, channel, plan), plan);
    if (shared !== undefined || pieces === undefined) return shared;
    return (await import('../data/open.js')).named(pieces);
  }
}

const done: Answer = { is: 'done' };

function rangeOf({ at, bytes }: { readonly at: number; readonly bytes: number }): Range {
  return { start: at, end: at + bytes };
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
