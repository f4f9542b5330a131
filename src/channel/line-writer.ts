// The writing end of a pipe.

import { closeSync, writeSync } from 'node:fs';
import { type Watch, watch } from '../hwloc/index.js';
import { codeOf } from './place/index.js';

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
  /** What did not fit, in order. */
  #waiting: Buffer[] = [];
  #watch: Watch | undefined;
  #limit: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Writes whole lines, in order. Up to PIPE_BUF (4,096 bytes) arrive in one piece among those of other writers. */
  write(lines: string): void {
    if (this.#closed) return;
    this.#waiting.push(Buffer.from(lines, 'latin1'));
    if (this.#watch === undefined) this.#drain();
  }

  /** Closes the end, after what is still under way: a reader that does not take it within a second has gone. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#waiting.length === 0) closeSync(this.#fd);
    // A patient end never learns that it has no reader: what is under way would keep the process alive for ever.
    else
      this.#limit = setTimeout(() => {
        this.#giveUp();
      }, lastWordsMilliseconds);
  }

  #drain(): void {
    for (let bytes = this.#waiting[0]; bytes !== undefined; bytes = this.#waiting[0]) {
      const written = this.#writeNow(bytes);
      if (written < bytes.length) {
        this.#waiting[0] = bytes.subarray(written);
        this.#watch ??= watch(this.#fd, 'writable', (broken) => {
          if (broken) this.#giveUp();
          else this.#drain();
        });
        return;
      }
      this.#waiting.shift();
    }
    this.#rest();
  }

  /** The reader is gone, or as good as gone. */
  #giveUp(): void {
    this.#waiting = [];
    this.#rest();
  }

  /** Nothing is under way any more. */
  #rest(): void {
    this.#watch?.stop();
    this.#watch = undefined;
    clearTimeout(this.#limit);
    if (this.#closed) closeSync(this.#fd);
  }

  #writeNow(bytes: Buffer): number {
    try {
      return writeSync(this.#fd, bytes);
    } catch (error) {
      // Whatever else it is (EPIPE), nobody will ever read this.
      return codeOf(error) === 'EAGAIN' ? 0 : bytes.length;
    }
  }
}
