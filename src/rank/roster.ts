// The leader's roster: who has come through the lobby, and where each of them stands.

import {
  type Announce,
  type Channel,
  type LeaderMessage,
  type LineReader,
  type LineWriter,
  formatMessage,
  openEndlessReader,
  openReader,
  openWriter,
  parseMessage,
  protocolVersion,
  renewLead,
  unlinkIfThere,
} from '../channel/index.js';
import type { Claimed } from '../maps/index.js';
import type { Allowed } from './allowed.js';
import type { Context } from './context.js';
import { type Expected, moment } from './expected.js';
import { keepIfOrphaned } from './keeper.js';
import { messageOf } from './notice.js';
import { unattended } from './pair.js';
import { Peer, type PeerListener, type Standing } from './peer.js';
import { now } from './now.js';
import { roomForMembers } from './room.js';
import type { Signs } from './signs.js';
import { Witness, lookEvery } from './witness.js';

/** Seconds between two signs of life to members who wait. */
const signOfLife = 1;

/** Seconds between two looks, where it is by them that the leader knows when everybody is there. */
const lookOften = 0.1;

/**
 * In so many looks nobody has a pair of FIFOs open before its maker has ended, or has given up. One is not enough: a member opens them a
 * moment after it has made them, and on a crowded node that may be a long one.
 */
const looksAtTheDead = 2;
const looksAtTheLiving = 8;

/** So many announcements that cannot be understood are complained of; a flood of them is not to flood stderr. */
const mostComplaints = 10;

/** After so many we listen no more: reading a flood leaves no time for anybody else. */
const mostNonsense = 1000;

/** Within the descriptors that are spared for other things. */
const crowdAtOnce = 16;

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
  readonly #lobby: LineReader;
  readonly #peers = new Map<number, Peer>();
  /** Those who came but take no part: they died at once, or were refused. */
  readonly #without = new Set<number>();
  /** Those who ended before they announced themselves. */
  readonly #ended = new Set<number>();
  /** Those of whom there is no sign that they will come; they may yet. */
  readonly #unlikely = new Set<number>();
  /** Those for whom there are no descriptors left, and the paths of their pairs. */
  readonly #crowdedOut = new Map<number, string>();
  readonly #dropped: number[] = [];
  readonly #sign: NodeJS.Timeout;
  readonly #look: NodeJS.Timeout;
  readonly #census: NodeJS.Timeout | undefined;
  readonly #witness: Witness;
  readonly #room = roomForMembers();
  #signs: Signs | undefined;
  /** Pairs of FIFOs that nobody had open, and in how many looks, one after another. */
  #unattended = new Map<string, number>();
  /** Whether somebody has come since the last look for the dead. */
  #somebodyCame = false;
  #nonsense = 0;
  /** Whether nobody can be heard in the lobby any more; who is missing then will come late. */
  #deaf = false;
  #wait: Wait | undefined;
  #onBarrier: ((peer: Peer, number: number) => void) | undefined;
  #onGone: ((peer: Peer) => void) | undefined;

  /** Opens the lobby, and lets in whoever announces itself from now on, or has done so already. */
  constructor(context: Context, channel: Channel, expected: Expected) {
    this.#context = context;
    this.#channel = channel;
    this.#expected = expected;
    this.#lobby = openEndlessReader(channel.lobby);
    this.#lobby.listen({
      line: (text) => {
        this.#announced(text);
      },
      end: () => undefined,
      skip: (error) => {
        this.#complain(`an announcement was not understood: ${error.message}`);
      },
      fail: (error) => {
        this.#goDeaf(error.message);
      },
    });
    // A discovery may take longer than a member is ready to listen to nothing.
    this.#sign = setInterval(
      () => {
        const waiting: Standing[] = ['ready', 'reserved', 'busy', 'declined', 'failed'];
        this.tell({ verb: 'wait', missing: this.missing().join(',') }, ...waiting);
        // Those who cannot be spoken to see by the time of its mark that their leader lives.
        if (this.#crowdedOut.size > 0) renewLead(channel);
      },
      Math.min(signOfLife, context.settings.timeout / 4) * 1000,
    );
    this.#witness = new Witness(context.identity, context.settings.job);
    this.#look = setInterval(() => {
      this.#lookForTheDead();
    }, lookEvery * 1000);
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
    return [...this.#ended].sort(byNumber);
  }

  /** The local ranks that are not waited for because there was no sign of them. */
  get unlikely(): readonly number[] {
    return [...this.#unlikely].sort(byNumber);
  }

  /** The local ranks that announced themselves but are left to come as late joiners: this process may open no more files. */
  get crowdedOut(): readonly number[] {
    return [...this.#crowdedOut.keys()].sort(byNumber);
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
      [this.#dropped.length, this.#crowdedOut.size, this.#unlikely.size].some((count) => count > 0)
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
      (options.all !== true || this.#deaf || (!this.#isAnyMissing() && this.#expected.isSettled()));
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
    clearInterval(this.#look);
    clearInterval(this.#census);
    this.#lobby.close();
  }

  /**
   * Sends those who were crowded out to the plan, a few at a time: they see the end of their pipe. It resolves when they have let
   * go of theirs, and need the file no more.
   */
  async sendOffTheCrowd(): Promise<void> {
    const paths = [...this.#crowdedOut.values()];
    for (let at = 0; at < paths.length; at += crowdAtOnce) {
      await Promise.all(paths.slice(at, at + crowdAtOnce).map((path) => this.#sendOff(path)));
    }
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

  async #sendOff(path: string): Promise<void> {
    let pair: ReturnType<typeof openPair>;
    try {
      pair = openPair(path);
    } catch {
      // It has gone, with its pair; or there are no descriptors left even for it: then it finds the plan by itself.
      return;
    }
    const { reader, writer } = pair;
    if (writer === undefined) {
      // It has found the plan already.
      reader.close();
      return;
    }
    await new Promise<void>((resolve) => {
      const limit = setTimeout(() => {
        reader.close();
        resolve();
      }, this.#context.settings.timeout * 1000);
      const ended = () => {
        clearTimeout(limit);
        resolve();
      };
      reader.listen({ line: () => undefined, end: ended, fail: ended });
      writer.close();
    });
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

  #announced(text: string): void {
    try {
      const message = parseMessage(text);
      if (message.verb !== 'announce') throw new Error(`${message.verb} is not for the lobby`);
      this.#admit(message);
    } catch (error) {
      this.#complain(`an announcement was not understood: ${messageOf(error)}`);
    }
  }

  #complain(text: string): void {
    this.#nonsense++;
    if (this.#nonsense <= mostComplaints) this.#context.notice(text);
    if (this.#nonsense === mostNonsense) this.#goDeaf(`${mostNonsense} lines of nonsense`);
  }

  #goDeaf(why: string): void {
    this.#context.notice(`the lobby cannot be read any more: ${why}; going on with who has come`);
    this.#deaf = true;
    this.closeLobby();
    this.#checkWait();
  }

  #admit(announce: Announce): void {
    this.#somebodyCame = true;
    const { rank, localRank } = announce;
    const refusal = this.#refusal(announce);
    const path = `${this.#channel.path}/${announce.pipe}`;
    if (refusal === undefined && this.#peers.size >= this.#room) {
      if (!this.#crowdedOut.has(localRank)) this.#wait?.goOn();
      this.#ended.delete(localRank);
      this.#unlikely.delete(localRank);
      this.#crowdedOut.set(localRank, path);
      this.#checkWait();
      return;
    }
    const { reader, writer } = openPair(path);
    // Without a writer there was nobody to read: the rank has died since it announced itself.
    if (writer !== undefined && refusal === undefined) {
      this.#ended.delete(localRank);
      this.#unlikely.delete(localRank);
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

  /** Who ended before its announcement has no pipe whose end could be seen. */
  #lookForTheDead(): void {
    keepIfOrphaned(this.#channel.path);
    // On a node where hundreds of ranks start, a look at all processes is what they can do without.
    if (this.#somebodyCame) {
      this.#somebodyCame = false;
      return;
    }
    const missing = this.missing();
    this.#witness.look(missing);
    const left = unattended(this.#channel, missing);
    const before = this.#unattended;
    this.#unattended = new Map(left.map(({ name }) => [name, (before.get(name) ?? 0) + 1]));
    for (const { localRank, name, isOfTheLiving } of left) {
      const looks = this.#unattended.get(name) ?? 0;
      if (looks >= (isOfTheLiving ? looksAtTheLiving : looksAtTheDead)) this.#ended.add(localRank);
    }
    for (const localRank of missing) {
      if (this.#witness.isDead(localRank)) this.#ended.add(localRank);
    }
    this.#checkWait();
    if (missing.length > 0 && now() - this.#context.since >= moment * 1000) void this.#giveUpTheUnlikely();
  }

  /** Some may be no Node programs, and others in containers that cannot be reached: nobody waits long for them. */
  async #giveUpTheUnlikely(): Promise<void> {
    const { Signs } = await import('./signs.js');
    this.#signs ??= new Signs(this.#context, this.#channel);
    const unlikely = this.#signs.lacking(this.missing(), [...this.#peers.keys()]);
    for (const localRank of unlikely) this.#unlikely.add(localRank);
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
    return (
      this.#without.has(localRank) ||
      this.#ended.has(localRank) ||
      this.#unlikely.has(localRank) ||
      this.#crowdedOut.has(localRank)
    );
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

/** The leader's ends of a member's pair. @throws Error  if they are not what a member makes. */
function openPair(path: string): { reader: LineReader; writer: LineWriter | undefined } {
  const reader = openReader(`${path}.up`);
  try {
    const writer = openWriter(`${path}.down`);
    // Both ends are open now; the names are not needed, and would be what a kill leaves behind.
    unlinkIfThere(`${path}.up`);
    unlinkIfThere(`${path}.down`);
    return { reader, writer };
  } catch (error) {
    reader.close();
    throw error;
  }
}

function byLocalRank(a: Peer, b: Peer): number {
  return a.localRank - b.localRank;
}

function byNumber(a: number, b: number): number {
  return a - b;
}
