// The leader's roster: who has come through the lobby, and where each of them stands.

import {
  type Announce,
  type Channel,
  type LeaderMessage,
  formatMessage,
  protocolVersion,
  renewLead,
} from '../channel/index.js';
import type { Claimed } from '../maps/index.js';
import { Absentees } from './absentees.js';
import type { Allowed } from './allowed.js';
import type { Context } from './context.js';
import { Crowd } from './crowd.js';
import type { Expected } from './expected.js';
import { Lobby } from './lobby.js';
import { openPair } from './pair.js';
import { Peer, type PeerListener, type Standing } from './peer.js';
import { roomForMembers } from './room.js';

/** Seconds between two signs of life to members who wait. */
const signOfLife = 1;

/** Seconds between two looks, where it is by them that the leader knows when everybody is there. */
const lookOften = 0.1;

/** Waits for a condition on the peers. */
interface Wait {
  readonly condition: () => boolean;
  readonly finish: (met: boolean) => void;
  /** Begins the time anew. */
  readonly goOn: () => void;
}

/** Everybody but the leader. */
export class Roster implements PeerListener {
  readonly #context: Context;
  readonly #channel: Channel;
  readonly #expected: Expected;
  readonly #lobby: Lobby;
  readonly #absentees: Absentees;
  readonly #crowd = new Crowd();
  readonly #peers = new Map<number, Peer>();
  /** Those who came but take no part: they died at once, or were refused. */
  readonly #without = new Set<number>();
  readonly #dropped: number[] = [];
  readonly #sign: NodeJS.Timeout;
  readonly #census: NodeJS.Timeout | undefined;
  readonly #room = roomForMembers();
  #wait: Wait | undefined;
  #onBarrier: ((peer: Peer, number: number) => void) | undefined;
  #onGone: ((peer: Peer) => void) | undefined;

  /** Opens the lobby, and lets in whoever announces itself from now on, or has done so already. */
  constructor(context: Context, channel: Channel, expected: Expected) {
    this.#context = context;
    this.#channel = channel;
    this.#expected = expected;
    this.#lobby = new Lobby(channel, context.notice, {
      announced: (announce) => {
        this.#admit(announce);
      },
      deaf: () => {
        this.closeLobby();
        this.#checkWait();
      },
    });
    // A discovery may take longer than a member is ready to listen to nothing.
    this.#sign = setInterval(
      () => {
        const waiting: Standing[] = ['ready', 'reserved', 'busy', 'declined', 'failed'];
        this.tell({ verb: 'wait', missing: this.missing().join(',') }, ...waiting);
        // Those who cannot be spoken to see by the time of its mark that their leader lives.
        if (this.#crowd.size > 0) renewLead(channel);
      },
      Math.min(signOfLife, context.settings.timeout / 4) * 1000,
    );
    this.#absentees = new Absentees(context, channel, {
      missing: () => this.missing(),
      come: () => [...this.#peers.keys()],
      givenUp: () => {
        this.#checkWait();
      },
    });
    if (expected.isOpen) {
      this.#census = setInterval(() => {
        expected.look();
        this.#checkWait();
      }, lookOften * 1000);
    }
  }

  /** The peers that stand somewhere, in the order of their local ranks. */
  standing(...at: readonly Standing[]): Peer[] {
    return [...this.#peers.values()].filter((peer) => at.includes(peer.standing)).sort(byLocalRank);
  }

  /** The local ranks that have not announced themselves, and are waited for. */
  missing(): number[] {
    return this.#expected.all().filter((localRank) => this.#isMissing(localRank));
  }

  /** The local ranks that ended, or gave up, before they announced themselves. */
  get ended(): readonly number[] {
    return this.#absentees.ended;
  }

  /** The local ranks that are not waited for because there was no sign of them. */
  get unlikely(): readonly number[] {
    return this.#absentees.unlikely;
  }

  /** The local ranks that announced themselves but are left to come as late joiners: this process may open no more files. */
  get crowdedOut(): readonly number[] {
    return this.#crowd.localRanks;
  }

  /** The local ranks that are there: neither dead nor dropped. */
  present(): number[] {
    return [...this.#peers.values()].filter((peer) => peer.standing !== 'gone').map((peer) => peer.localRank);
  }

  /** The local ranks that were dropped because they took too long. They may live, and come again as late joiners. */
  get dropped(): readonly number[] {
    return this.#dropped;
  }

  /** Whether anybody may still come, as a late joiner. */
  mayCome(): boolean {
    return (
      this.#expected.isOpen ||
      this.missing().length > 0 ||
      [this.#dropped.length, this.#crowd.size, this.unlikely.length].some((count) => count > 0)
    );
  }

  /** What is occupied in those who are there. */
  occupied(): Claimed[] {
    return [...this.#peers.values()].flatMap((peer) =>
      peer.standing === 'gone' || peer.occupied === undefined ? [] : [peer.occupied],
    );
  }

  /** What the cgroups of those who are there allow. */
  allowed(): Allowed[] {
    return [...this.#peers.values()].filter((peer) => peer.standing !== 'gone').map((peer) => peer.allowed);
  }

  /** Says the same to all peers that stand somewhere. */
  tell(message: LeaderMessage, ...at: readonly Standing[]): void {
    const line = formatMessage(message);
    for (const peer of this.standing(...at)) peer.say(message, line);
  }

  /**
   * Waits until no peer stands where it should not any more, or until nobody has come or answered for as long as the timeout says. (A
   * node that is slow to start hundreds of ranks gets there; one that never comes is waited for as long after the last that does.)
   *
   * @param options.all  Whether everybody has to have come, too.
   * @returns whether it came to that; if not, those who still stand there are dropped.
   */
  async untilNoneIs(standings: readonly Standing[], options: { all?: boolean } = {}): Promise<boolean> {
    const condition = () =>
      !this.#isAnyAt(standings) &&
      (options.all !== true || this.#lobby.isDeaf || (!this.#isAnyMissing() && this.#expected.isSettled()));
    const met = condition() || (await this.#until(condition));
    if (met) return true;
    for (const peer of this.standing(...standings)) {
      this.#dropped.push(peer.localRank);
      peer.drop();
    }
    return false;
  }

  /** Reports barriers and departures from now on. */
  watch(onBarrier: (peer: Peer, number: number) => void, onGone: (peer: Peer) => void): void {
    this.#onBarrier = onBarrier;
    this.#onGone = onGone;
  }

  /** Lets nobody in any more. Whoever comes from now on is late. */
  closeLobby(): void {
    this.#absentees.stop();
    clearInterval(this.#census);
    this.#lobby.close();
  }

  /** Sends those who were crowded out to the plan, and waits until they have it. */
  sendOffTheCrowd(): Promise<void> {
    return this.#crowd.sendOff(this.#context.settings.timeout);
  }

  /** The join is over: no signs of life any more but answers. */
  endJoin(): void {
    this.closeLobby();
    clearInterval(this.#sign);
  }

  keepAlive(yes: boolean): void {
    for (const peer of this.#peers.values()) peer.keepAlive(yes);
  }

  /** Ends all conversations. */
  close(): void {
    this.endJoin();
    for (const peer of this.#peers.values()) peer.drop();
  }

  changed(peer: Peer): void {
    if (peer.standing !== 'gone') this.#wait?.goOn();
    this.#checkWait();
    if (peer.standing === 'gone') this.#onGone?.(peer);
  }

  atBarrier(peer: Peer, number: number): void {
    this.#onBarrier?.(peer, number);
  }

  misbehaved(peer: Peer, why: string): void {
    this.#context.notice(`going on without rank ${peer.rank}, which cannot be understood: ${why}`);
  }

  #until(condition: () => boolean): Promise<boolean> {
    const { timeout } = this.#context.settings;
    return new Promise((resolve) => {
      const limit = setTimeout(() => {
        this.#wait?.finish(false);
      }, timeout * 1000);
      const finish = (met: boolean) => {
        clearTimeout(limit);
        this.#wait = undefined;
        resolve(met);
      };
      this.#wait = { condition, finish, goOn: () => limit.refresh() };
    });
  }

  #admit(announce: Announce): void {
    this.#absentees.postpone();
    const { rank, localRank } = announce;
    const refusal = this.#refusal(announce);
    const path = `${this.#channel.path}/${announce.pipe}`;
    if (refusal === undefined && this.#peers.size >= this.#room) {
      if (!this.#crowd.has(localRank)) this.#wait?.goOn();
      this.#absentees.hasCome(localRank);
      this.#crowd.add(localRank, path);
      this.#checkWait();
      return;
    }
    const { reader, writer } = openPair(path);
    // Without a writer there was nobody to read: the rank has died since it announced itself.
    if (writer !== undefined && refusal === undefined) {
      this.#absentees.hasCome(localRank);
      this.#peers.set(localRank, new Peer(rank, localRank, { reader, writer }, this));
      return;
    }
    writer?.write(
      formatMessage({ verb: 'ladder', reason: refusal ?? '', xml: undefined, thisSystem: false }),
    );
    writer?.close();
    reader.close();
    if (!this.#peers.has(localRank) && this.#expected.has(localRank)) {
      this.#without.add(localRank);
    }
    this.#checkWait();
  }

  // Asked at each change: without a list, which with hundreds of ranks would be made and sorted hundreds of times.
  #isAnyAt(standings: readonly Standing[]): boolean {
    for (const { standing } of this.#peers.values()) if (standings.includes(standing)) return true;
    return false;
  }

  #isAnyMissing(): boolean {
    return this.#expected.all().some((localRank) => this.#isMissing(localRank));
  }

  #isMissing(localRank: number): boolean {
    return !this.#peers.has(localRank) && !this.#takesNoPart(localRank);
  }

  #takesNoPart(localRank: number): boolean {
    return this.#without.has(localRank) || this.#absentees.isGivenUp(localRank) || this.#crowd.has(localRank);
  }

  #checkWait(): void {
    if (this.#wait?.condition() === true) this.#wait.finish(true);
  }

  #refusal({ version, localRank }: Announce): string | undefined {
    if (version !== protocolVersion) {
      return `it speaks version ${version} of the protocol, and the leader ${protocolVersion}`;
    }
    if (!this.#expected.has(localRank)) {
      return `local rank ${localRank} is none of the ${this.#expected.describe()} that the leader expects`;
    }
    if (this.#peers.has(localRank)) return `another process has joined as local rank ${localRank}`;
    return undefined;
  }
}

function byLocalRank(a: Peer, b: Peer): number {
  return a.localRank - b.localRank;
}
