// Those who have not announced themselves: who of them is dead, and for whom it is not worth waiting.

import { type Channel, lobbyIn } from '../channel/index.js';
import type { Context } from './context.js';
import { moment } from './expected.js';
import { keepIfOrphaned } from './keeper.js';
import { now } from './now.js';
import { unattended } from './pair.js';
import type { Signs } from './signs.js';
import { Witness, lookEvery } from './witness.js';

/**
 * In so many looks nobody has a pair of FIFOs open before its maker has ended, or has given up. One is not enough: a member opens them a
 * moment after it has made them, and on a crowded node that may be a long one.
 */
const looksAtTheDead = 2;
const looksAtTheLiving = 8;

/** What the roster knows, and wants to know. */
export interface Attendance {
  /** The local ranks that are waited for. */
  missing(): readonly number[];
  /** The local ranks that have come. */
  come(): readonly number[];
  /** Somebody more is not waited for. */
  givenUp(): void;
}

/** Looks for the absent, four times a second, until it is stopped. */
export class Absentees {
  readonly #context: Context;
  readonly #channel: Channel;
  readonly #attendance: Attendance;
  readonly #witness: Witness;
  readonly #lobby: number | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #ended = new Set<number>();
  readonly #unlikely = new Set<number>();
  #signs: Signs | undefined;
  /** Pairs of FIFOs that nobody had open, and in how many looks, one after another. */
  #unattended = new Map<string, number>();
  #somebodyCame = false;

  constructor(context: Context, channel: Channel, attendance: Attendance) {
    this.#context = context;
    this.#channel = channel;
    this.#attendance = attendance;
    this.#witness = new Witness(context.identity, context.settings.job);
    this.#lobby = lobbyIn(channel);
    this.#timer = setInterval(() => {
      this.#look();
    }, lookEvery * 1000);
  }

  /** Those who ended, or gave up, before they announced themselves, in ascending order. */
  get ended(): readonly number[] {
    return [...this.#ended].sort((a, b) => a - b);
  }

  /** Those of whom there is no sign that they will come, in ascending order; they may yet. */
  get unlikely(): readonly number[] {
    return [...this.#unlikely].sort((a, b) => a - b);
  }

  /** Whether nobody waits for a local rank. */
  isGivenUp(localRank: number): boolean {
    return this.#ended.has(localRank) || this.#unlikely.has(localRank);
  }

  /** Somebody comes, so that the next look can wait: on a node where hundreds of ranks start, they can do without it. */
  postpone(): void {
    this.#somebodyCame = true;
  }

  /** A local rank has come, whatever was thought of it. */
  hasCome(localRank: number): void {
    this.#ended.delete(localRank);
    this.#unlikely.delete(localRank);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Who ended before its announcement has no pipe whose end could be seen. */
  #look(): void {
    keepIfOrphaned(this.#channel.path);
    if (this.#somebodyCame) {
      this.#somebodyCame = false;
      return;
    }
    const missing = this.#attendance.missing();
    // Nobody can come any more.
    if (lobbyIn(this.#channel) !== this.#lobby) {
      for (const localRank of missing) this.#ended.add(localRank);
      this.#attendance.givenUp();
      return;
    }
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
    this.#attendance.givenUp();
    if (missing.length > 0 && now() - this.#context.since >= moment * 1000) void this.#giveUpTheUnlikely();
  }

  /** Some may be no Node programs, and others in containers that cannot be reached: nobody waits long for them. */
  async #giveUpTheUnlikely(): Promise<void> {
    const { Signs } = await import('./signs.js');
    this.#signs ??= new Signs(this.#context, this.#channel);
    const unlikely = this.#signs.lacking(this.#attendance.missing(), this.#attendance.come());
    for (const localRank of unlikely) this.#unlikely.add(localRank);
    this.#attendance.givenUp();
  }
}
