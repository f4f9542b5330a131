// The leader's inbox: it waits for lines in the lobby, for the end of loading, and for the leader's own
// barriers.

import { leaderByte, maxLineBytes, parseMessage } from '../../channel/index.js';
import { alarm } from '../time.js';
import type { Meeting } from '../meeting/meeting.js';
import { messageOf } from '../../errors/index.js';
import type { Answer, Heard, Loading, Rules } from '../meeting/steps.js';
import type { Reported } from './reported.js';

/** The leader's inbox: the lobby, the end of loading, and the leader's own barriers. */
export interface Inbox {
  hear(until: number): Answer | Promise<Answer>;
  loaded(loading: Loading): void;
  come(barrier: number): void;
  keepAlive(yes: boolean): void;
}

/** Opens the inbox. @param notice  Writes a line to the user. */
export function openInbox(
  meeting: Meeting,
  rules: Rules,
  reported: Reported,
  notice: (text: string) => void,
): Inbox {
  const lobby = meeting.lobby();
  let loading: Loading | undefined;
  let barrier: number | undefined;
  let answerWith: ((answer: Answer) => void) | undefined;
  let ignored = 0;
  // Lines from before this rank led.
  let heard: Heard[] = read();

  const watching = lobby.listen(() => {
    heard.push(...read());
    ring();
  });
  const silence = alarm(() => {
    // If this process was stopped, lines are waiting.
    heard.push(...read());
    answerWith?.(whatCame() ?? { is: 'heard', lines: [] });
  });

  return {
    hear(until) {
      const answer = whatCame();
      if (answer !== undefined) return answer;
      if (until !== Infinity) silence.set(until);
      return new Promise((resolve) => {
        answerWith = (came) => {
          answerWith = undefined;
          silence.off();
          resolve(came);
        };
      });
    },
    loaded(result) {
      loading = result;
      ring();
    },
    come(number) {
      barrier = number;
      ring();
    },
    keepAlive(yes) {
      watching.keepAlive(yes);
    },
  };

  /** Delivers the answer, if the leader waits for one and there is one. */
  function ring(): void {
    if (answerWith === undefined) return;
    const came = whatCame();
    if (came !== undefined) answerWith(came);
  }

  function whatCame(): Answer | undefined {
    if (heard.length === 0 && loading === undefined && barrier === undefined) return undefined;
    const answer: Answer = {
      is: 'heard',
      lines: heard,
      ...(loading === undefined ? {} : { loading }),
      ...(barrier === undefined ? {} : { barrier }),
    };
    heard = [];
    loading = undefined;
    barrier = undefined;
    return answer;
  }

  function read(): Heard[] {
    return lobby.read().flatMap((line) => {
      const came = understand(line);
      return came === undefined ? [] : [came];
    });
  }

  function understand(line: string | undefined): Heard | undefined {
    try {
      if (line === undefined) throw new RangeError(`a line of over ${maxLineBytes} bytes`);
      const message = parseMessage(line);
      // A line of this rank from before it led.
      if (message === undefined || message.local === rules.local) return undefined;
      const { expected = leaderByte } = rules;
      if (message.local >= expected) throw new RangeError(`local rank ${message.local} of ${expected}`);
      return reported.take(message);
    } catch (error) {
      if (ignored === 0) notice(`the lobby: ${messageOf(error)}; the line is left out`);
      ignored++;
      return undefined;
    }
  }
}
