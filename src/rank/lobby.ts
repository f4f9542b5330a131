// The lobby: whoever comes announces itself there, and the leader reads it until everybody has.

import {
  type Announce,
  type Channel,
  type LineReader,
  openEndlessReader,
  parseMessage,
} from '../channel/index.js';
import { messageOf } from './notice.js';

/** So many announcements that cannot be understood are complained of; a flood of them is not to flood stderr. */
const mostComplaints = 10;

/** After so many we listen no more: reading a flood leaves no time for anybody else. */
const mostNonsense = 1000;

/** What the lobby tells. */
export interface LobbyListener {
  /** Somebody has announced itself. What this throws is complained of as an announcement that was not understood. */
  announced(announce: Announce): void;
  /** Nobody can be heard any more; who has not come by now will come late. */
  deaf(): void;
}

/** The leader's end of the lobby. Whatever was announced before it was opened is read as well. */
export class Lobby {
  readonly #reader: LineReader;
  readonly #notice: (text: string) => void;
  readonly #listener: LobbyListener;
  #nonsense = 0;
  #deaf = false;

  constructor({ lobby }: Channel, notice: (text: string) => void, listener: LobbyListener) {
    this.#notice = notice;
    this.#listener = listener;
    this.#reader = openEndlessReader(lobby);
    this.#reader.listen({
      line: (text) => {
        this.#line(text);
      },
      end: () => undefined,
      skip: (error) => {
        this.#complain(error);
      },
      fail: (error) => {
        this.#goDeaf(error.message);
      },
    });
  }

  /** Whether it could not be read to the end. */
  get isDeaf(): boolean {
    return this.#deaf;
  }

  close(): void {
    this.#reader.close();
  }

  #line(text: string): void {
    try {
      const message = parseMessage(text);
      if (message.verb !== 'announce') throw new Error(`${message.verb} is not for the lobby`);
      this.#listener.announced(message);
    } catch (error) {
      this.#complain(error);
    }
  }

  #complain(error: unknown): void {
    this.#nonsense++;
    if (this.#nonsense <= mostComplaints)
      this.#notice(`an announcement was not understood: ${messageOf(error)}`);
    if (this.#nonsense === mostNonsense) this.#goDeaf(`${mostNonsense} lines of nonsense`);
  }

  #goDeaf(why: string): void {
    this.#notice(`the lobby cannot be read any more: ${why}; going on with who has come`);
    this.#deaf = true;
    this.close();
    this.#listener.deaf();
  }
}
