// Runs the state machine of a leader: performs one step after another, in the join and then as long as the
// rank leads.

import { isFinal, publishRound, readRound } from '../../channel/index.js';
import { patientNow, now } from '../time.js';
import type { Context } from '../context.js';
import type { Got } from '../member/perform.js';
import type { Meeting } from '../meeting/meeting.js';
import { reach } from '../report/trace-points.js';
import type { Answer, Ask, Next, Rules } from '../meeting/steps.js';
import { openInbox } from './inbox.js';
import { type Leader, lead, leader } from './leader.js';
import { shareTopology } from './shared-topology.js';
import { type Overview, othersExpected } from './peers.js';
import { type Reported, reportedByRanks } from './reported.js';
import { missingIn, tellOfDropped, tellOfMissing } from './notices.js';

/** A rank that leads. */
export interface Leading extends Overview {
  /**
   * Resolves when the leader has its topology. It continues to lead until it leaves.
   *
   * @throws NotSharedError, ShareError, HwlocError
   */
  readonly joined: Promise<Got>;
  /**
   * Resolves when a barrier has opened, to whether all ranks took part; to undefined if this rank cannot keep
   * barriers any more.
   */
  barrier(number: number): Promise<boolean | undefined>;
  /** The same for the barrier at which this rank took over. */
  readonly firstBarrier: Promise<boolean | undefined>;
  /** How many barriers have been passed. */
  passed(): number;
}

/** Starts to lead. @param barrier  The barrier at which the previous leader was lost; 0: in the join. */
export function startToLead(context: Context, meeting: Meeting, rules: Rules, barrier = 0): Leading {
  const { notice, clock } = context;
  const { channel } = meeting;
  const { roll, path } = channel;
  const reported: Reported = reportedByRanks();
  const shared = shareTopology(context, channel, reported);
  meeting.whenLeaving(() => {
    shared.close();
  });
  const inbox = openInbox(meeting, rules, reported, notice);

  let next: Next<Leader> = lead(rules, patientNow(), barrier);
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
      inbox.keepAlive(true);
      inbox.come(number);
      return opening;
    },
    passed() {
      const { round } = next.state;
      return isFinal(round) ? round.passed : 0;
    },
    peers: () => next.state.peers,
    missing: () => missingIn(rules, next.state.peers),
    rankOf: (local) => reported.rankOf(local),
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
      // The channel was removed, or cannot be written to. The other ranks see the end of the gate, and one of
      // them leads.
      hasStopped = true;
      meeting.closeLobby();
      shared.abandon();
      settle?.reject(error);
      opened?.(undefined);
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
        if (ask.round.verb === 'release' && !next.state.hasJoined) reach('leader:agreed');
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
        void shared.load((next.state.round?.number ?? 0) + 1).then((loading) => {
          inbox.loaded(loading);
        });
        return { is: 'done' };
      case 'hear':
        renew();
        return inbox.hear(ask.until);
      case 'look':
        return { is: 'there', ranks: roll.held(ask.among ?? everybody()) };
      case 'choose':
        return choose(ask.number, next.state.plans === 1);
      case 'write':
        return shared.write(ask.plan);
      case 'xml':
        return { is: 'xml', xml: shared.writeXml() };
      case 'discard':
        shared.discard(ask.plan);
        return { is: 'done' };
      case 'adopt':
        return shared.adopt(ask.plan);
      case 'joined':
        return finish(ask.reason);
      case 'opened':
        inbox.keepAlive(false);
        reach('leader:barrier');
        opened?.(ask.all);
        opened = undefined;
        return { is: 'done' };
      default:
        throw new Error(`a leader does not ${ask.ask}`);
    }
  }

  /** Shows members that this rank is not stopped: once a second, or four times within the timeout. */
  function renew(): void {
    if (now() - renewed < Math.min(1000, rules.timeout / 4)) return;
    renewed = now();
    roll.renew();
  }

  function choose(number: number, isFirst: boolean): Answer | Promise<Answer> {
    if (isFirst) {
      clock.mark('gather');
      reach('leader:gathered');
      tellOfMissing(context, rules, next.state.peers);
    }
    return shared.choose(number, isFirst);
  }

  /** The bytes of all other ranks; undefined if their number is not known. */
  function everybody(): number[] | undefined {
    return rules.expected === undefined ? undefined : othersExpected(rules);
  }

  async function finish(reason: string | undefined): Promise<Answer> {
    tellOfDropped(context, rules, next.state.peers);
    const result = settle;
    settle = undefined;
    try {
      const got = await shared.result(reason, next.state.round);
      inbox.keepAlive(false);
      result?.resolve(got);
    } catch (error) {
      result?.reject(error);
    }
    return { is: 'done' };
  }
}
