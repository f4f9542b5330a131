// A member's conversation with its leader: messages one after another, and the end of it as one more thing that is heard.

import {
  type Channel,
  type LeaderMessage,
  type LineReader,
  type LineWriter,
  type MemberMessage,
  formatMessage,
  isThere,
  openPatientWriter,
  openReader,
  parseMessage,
} from '../channel/index.js';
import { alarm } from './alarm.js';
import { messageOf } from './notice.js';

/** The leader is gone, or cannot be understood; nothing more will be heard. */
export interface Gone {
  readonly verb: 'gone';
  readonly reason: string;
}

/** Nothing was heard for as long as we were ready to listen. */
export interface Silence {
  readonly verb: 'silence';
}

/** What a member hears. */
export type Heard = LeaderMessage | Gone | Silence;

const leaderVerbs: readonly string[] = [
  'wait',
  'plan',
  'release',
  'ladder',
  'open',
] satisfies LeaderMessage['verb'][];

/** The member's ends of its pair of FIFOs, which stand under `name` in the channel. */
export class Conversation {
  /** What the two FIFOs' names have in common. */
  readonly name: string;
  readonly #up: string;
  readonly #reader: LineReader;
  readonly #writer: LineWriter;
  readonly #heard: Heard[] = [];
  #waiting: ((heard: Heard) => void) | undefined;
  #gone: Gone | undefined;

  constructor(channel: Channel, name: string) {
    this.name = name;
    this.#up = `${channel.path}/${name}.up`;
    this.#reader = openReader(`${channel.path}/${name}.down`);
    // Patient: the leader opens it after our announcement only, and what we say until then must not be lost.
    this.#writer = openPatientWriter(this.#up);
    this.#reader.listen({
      line: (text) => {
        this.#hear(understand(text));
      },
      end: () => {
        this.#hear({ verb: 'gone', reason: 'the leader has gone' });
      },
      fail: (error) => {
        this.#hear({ verb: 'gone', reason: error.message });
      },
    });
  }

  /** Whether the leader has opened its ends, and taken the names away; or the channel was removed. */
  isMet(): boolean {
    return !isThere(this.#up);
  }

  say(...messages: readonly MemberMessage[]): void {
    this.#writer.write(messages.map(formatMessage).join(''));
  }

  /** The next message, in order. @param seconds  How long to listen; without it, for as long as it takes. */
  next(seconds?: number): Promise<Heard> {
    const heard = this.#heard.shift() ?? this.#gone;
    if (heard !== undefined) return Promise.resolve(heard);
    return new Promise((resolve) => {
      const hear = (message: Heard) => {
        callOff?.();
        this.#waiting = undefined;
        resolve(message);
      };
      const callOff =
        seconds === undefined
          ? undefined
          : alarm(seconds * 1000, () => {
              hear({ verb: 'silence' });
            });
      this.#waiting = hear;
    });
  }

  /** Whether listening keeps the process alive. It does from the start, and must not after the join. */
  keepAlive(yes: boolean): void {
    this.#reader.keepAlive(yes);
  }

  close(): void {
    this.#reader.close();
    this.#writer.close();
    this.#gone ??= { verb: 'gone', reason: 'this rank has left' };
    this.#waiting?.(this.#gone);
  }

  #hear(heard: Heard): void {
    if (this.#gone !== undefined) return;
    if (heard.verb === 'gone') this.#gone = heard;
    if (this.#waiting !== undefined) this.#waiting(heard);
    else if (heard.verb !== 'gone') this.#heard.push(heard);
  }
}

function understand(text: string): Heard {
  try {
    const message = parseMessage(text);
    if (isFromLeader(message)) return message;
    return { verb: 'gone', reason: `the leader said ${message.verb}, which is for members to say` };
  } catch (error) {
    return { verb: 'gone', reason: `the leader cannot be understood: ${messageOf(error)}` };
  }
}

function isFromLeader(message: { verb: string }): message is LeaderMessage {
  return leaderVerbs.includes(message.verb);
}
