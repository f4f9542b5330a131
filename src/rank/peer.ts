// The leader's side of one member: what it has said, and where it stands.

import {
  type LeaderMessage,
  type LineReader,
  type LineWriter,
  type MemberMessage,
  ProtocolError,
  formatMessage,
  parseMessage,
} from '../channel/index.js';
import type { Claimed } from '../maps/index.js';
import type { Allowed } from './allowed.js';
import { RangeGatherer } from './address-space.js';
import { messageOf } from './notice.js';

/**
 * Where a member stands: it greets and is ready; has a plan, and has reserved its range or found it taken (busy), or cannot
 * take part (declined); is released, and has failed to adopt or is done. Gone: dead, or dropped.
 */
export type Standing =
  | 'greeting'
  | 'ready'
  | 'planned'
  | 'tellingBusy'
  | 'busy'
  | 'reserved'
  | 'declined'
  | 'released'
  | 'failed'
  | 'laddered'
  | 'done'
  | 'gone';

/** What a peer tells the roster. */
export interface PeerListener {
  /** Its standing has changed. */
  changed(peer: Peer): void;
  /** It is at a barrier. */
  atBarrier(peer: Peer, number: number): void;
  /** It said something that it may not say; it is gone by now. */
  misbehaved(peer: Peer, why: string): void;
}

/** One member, as the leader sees it. */
export class Peer {
  standing: Standing = 'greeting';
  /** What is occupied in it, as it said last. */
  occupied: Claimed | undefined;
  /** What its cgroup allows. */
  allowed: Allowed = { cpus: undefined, nodes: undefined };
  /** Why it declined or failed. */
  reason = '';
  /** How it says it has got its topology, once it is done. */
  how = '';

  readonly #reader: LineReader;
  readonly #writer: LineWriter;
  readonly #listener: PeerListener;
  readonly #gatherer = new RangeGatherer();
  #landmarks: { heapEnd: number | undefined; stackStart: number | undefined } | undefined;
  #generation = 0;

  constructor(
    readonly rank: number,
    readonly localRank: number,
    ends: { reader: LineReader; writer: LineWriter },
    listener: PeerListener,
  ) {
    this.#reader = ends.reader;
    this.#writer = ends.writer;
    this.#listener = listener;
    this.#reader.listen({
      line: (text) => {
        this.#line(text);
      },
      end: () => {
        this.drop();
      },
      fail: (error) => {
        this.#misbehave(error);
      },
    });
  }

  /**
   * Says something to the member. What the message means for where it stands is noted.
   *
   * @param line  The message as it is written, for those who say the same to many.
   */
  say(message: LeaderMessage, line = formatMessage(message)): void {
    if (this.standing === 'gone') return;
    if (message.verb === 'plan') {
      this.standing = 'planned';
      this.#generation = message.generation;
    }
    if (message.verb === 'release') this.standing = 'released';
    if (message.verb === 'ladder') this.standing = 'laddered';
    this.#writer.write(line);
  }

  /** Ends the conversation: the member sees EOF. */
  drop(): void {
    if (this.standing === 'gone') return;
    this.standing = 'gone';
    this.#reader.close();
    this.#writer.close();
    this.#listener.changed(this);
  }

  keepAlive(yes: boolean): void {
    if (this.standing !== 'gone') this.#reader.keepAlive(yes);
  }

  #line(text: string): void {
    try {
      const message = parseMessage(text);
      if (!this.#take(message as MemberMessage))
        throw new ProtocolError(`out of turn (${this.standing})`, text);
    } catch (error) {
      this.#misbehave(error);
    }
  }

  /** @returns false if the message is not for this moment. */
  #take(message: MemberMessage): boolean {
    const { standing } = this;
    switch (message.verb) {
      case 'hello':
        if (standing !== 'greeting' || this.#landmarks !== undefined) return false;
        this.#landmarks = { heapEnd: message.heapEnd, stackStart: message.stackStart };
        this.allowed = { cpus: message.cpus, nodes: message.mems };
        return true;
      case 'ranges':
        if (standing !== 'tellingBusy' && !(standing === 'greeting' && this.#landmarks)) return false;
        this.#gatherer.take(message);
        return true;
      case 'end':
        if (this.#landmarks === undefined) return false;
        if (standing !== 'greeting' && standing !== 'tellingBusy') return false;
        this.occupied = this.#gatherer.finish(this.#landmarks);
        return this.#stand(standing === 'greeting' ? 'ready' : 'busy');
      case 'reserved':
        return this.#answers(message.generation) && this.#stand('reserved');
      case 'busy':
        return this.#answers(message.generation) && this.#stand('tellingBusy');
      case 'declined':
      case 'failed':
        if (standing !== (message.verb === 'declined' ? 'planned' : 'released')) return false;
        this.reason = message.reason;
        return this.#stand(message.verb);
      case 'done':
        if (standing !== 'released' && standing !== 'laddered') return false;
        this.how = message.how;
        return this.#stand('done');
      case 'barrier':
        if (standing !== 'done') return false;
        this.#listener.atBarrier(this, message.number);
        return true;
      default:
        return false;
    }
  }

  #answers(generation: number): boolean {
    return this.standing === 'planned' && generation === this.#generation;
  }

  #stand(standing: Standing): true {
    this.standing = standing;
    this.#listener.changed(this);
    return true;
  }

  #misbehave(error: unknown): void {
    this.drop();
    this.#listener.misbehaved(this, messageOf(error));
  }
}
