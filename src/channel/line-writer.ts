// The writing end of a pipe.

import { closeSync } from 'node:fs';
import { type Watch, watch, writeText } from '../hwloc/index.js';

/** How long a reader may take for the last of what was written. */
const lastWordsMilliseconds = 1000;

/**
 * Writes lines to a non-blocking descriptor, which it owns.
 *
 * A write is one system call as long as the pipe has room, which it nearly always has; only what does not fit waits until there is. That
 * a reader is gone is not told here: the other pipe of the pair tells it, by its end.
 */
export class LineWriter {
  readonly #fd: number;
  /** What did not fit yet. */
  #waiting = '';
  #watch: Watch | undefined;
  #limit: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Writes whole lines, in order. Up to PIPE_BUF (4,096 bytes) arrive in one piece among those of other writers.
   *
   * @param lines  ASCII alone, as lines of the protocol are.
   */
  write(lines: string): void {
    if (this.#closed) return;
    this.#waiting += lines;
    if (this.#watch === undefined) this.#drain();
  }

  /** Closes the end, after what is still under way: a reader that does not take it within a second has gone. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#waiting === '') closeSync(this.#fd);
    // A patient end never learns that it has no reader: what is under way would keep the process alive for ever.
    else
      this.#limit = setTimeout(() => {
        this.#giveUp();
      }, lastWordsMilliseconds);
  }

  #drain(): void {
    this.#waiting = this.#waiting.slice(this.#writeNow(this.#waiting));
    if (this.#waiting === '') this.#rest();
    else {
      this.#watch ??= watch(this.#fd, 'writable', (broken) => {
        if (broken) this.#giveUp();
        else this.#drain();
      });
    }
  }

  /** The reader is gone, or as good as gone. */
  #giveUp(): void {
    this.#waiting = '';
    this.#rest();
  }

  /** Nothing is under way any more. */
  #rest(): void {
    this.#watch?.stop();
    this.#watch = undefined;
    if (this.#limit !== undefined) clearTimeout(this.#limit);
    if (this.#closed) closeSync(this.#fd);
  }

  #writeNow(lines: string): number {
    try {
      return writeText(this.#fd, lines);
    } catch {
      // Whatever it is (EPIPE), nobody will ever read this.
      return lines.length;
    }
  }
}
