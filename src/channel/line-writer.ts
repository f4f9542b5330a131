// The writing end of a pipe.

import { closeSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { codeOf } from './place/index.js';

/** How long a reader may take for the last of what was written. */
const lastWordsMilliseconds = 1000;

/**
 * Writes lines to a non-blocking descriptor, which it owns.
 *
 * A write is one system call as long as the pipe has room, which it nearly always has; only what does not fit goes through
 * a stream. That a reader is gone is not told here: the other pipe of the pair tells it, by its end.
 */
export class LineWriter {
  readonly #fd: number;
  #overflow: Socket | undefined;
  #closed = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Writes whole lines, in order. Up to PIPE_BUF (4,096 bytes) arrive in one piece among those of other writers. */
  write(lines: string): void {
    if (this.#closed) return;
    if (this.#overflow !== undefined) {
      this.#overflow.write(lines, 'latin1');
      return;
    }
    const bytes = Buffer.from(lines, 'latin1');
    const written = this.#writeNow(bytes);
    if (written < bytes.length) this.#openOverflow().write(bytes.subarray(written));
  }

  /** Closes the end, after what is still under way: a reader that does not take it within a second has gone. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const overflow = this.#overflow;
    if (overflow === undefined) {
      closeSync(this.#fd);
      return;
    }
    // A patient end never learns that it has no reader: what is under way would keep the process alive for ever.
    const limit = setTimeout(() => overflow.destroy(), lastWordsMilliseconds);
    overflow.once('close', () => {
      clearTimeout(limit);
    });
    overflow.end();
  }

  #writeNow(bytes: Buffer): number {
    try {
      return writeSync(this.#fd, bytes);
    } catch (error) {
      if (codeOf(error) === 'EAGAIN') return 0;
      if (codeOf(error) === 'EPIPE') return bytes.length;
      throw error;
    }
  }

  #openOverflow(): Socket {
    this.#overflow = new Socket({ fd: this.#fd, readable: false, writable: true });
    this.#overflow.on('error', () => {
      // EPIPE: the reader is gone, which is noticed at the other pipe of the pair.
    });
    return this.#overflow;
  }
}
