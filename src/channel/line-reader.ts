// The reading end of a pipe, line by line, with bounded memory.

import { closeSync, readSync } from 'node:fs';
import { type Watch, watch } from '../hwloc/index.js';
import { ProtocolError } from './errors.js';
import { maxLineBytes } from './line.js';
import { codeOf } from './place/index.js';

/** What is read at once: a member's whole greeting, as a rule. All readers of a process use the same, one after another. */
const chunkBytes = 16_384;
let chunk: Buffer | undefined;

/** What a reader tells. `end` comes once, after the last line: the writer has closed, or died. */
export interface LineListener {
  line(text: string): void;
  end(): void;
  /** The stream cannot be gone on with (a line beyond the bounds, or a failing read). The reader is closed by then. */
  fail(error: Error): void;
  /** With this, a line beyond the bounds is left out, and the stream goes on: for a FIFO that many write to. */
  skip?(error: ProtocolError): void;
}

/** Reads lines from a non-blocking descriptor, which it owns. */
export class LineReader {
  readonly #fd: number;
  #watch: Watch | undefined;
  #listener: LineListener | undefined;
  #rest = '';
  #finished = false;
  /** Whether what comes next is the rest of a line that is left out. */
  #skipping = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Starts reading. Until then everything waits in the pipe. */
  listen(listener: LineListener): void {
    this.#listener = listener;
    this.#watch = watch(this.#fd, 'readable', () => {
      this.#read(listener);
    });
  }

  /** Whether waiting for lines keeps the process alive. It does from {@link listen} on, until told otherwise. */
  keepAlive(yes: boolean): void {
    this.#watch?.keepAlive(yes);
  }

  close(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#watch?.stop();
    closeSync(this.#fd);
  }

  #read(listener: LineListener): void {
    chunk ??= Buffer.allocUnsafeSlow(chunkBytes);
    let bytes: number;
    try {
      bytes = readSync(this.#fd, chunk);
    } catch (error) {
      if (codeOf(error) === 'EAGAIN') return;
      this.#finish(() => {
        listener.fail(error instanceof Error ? error : new Error(String(error)));
      });
      return;
    }
    if (bytes > 0) this.#take(chunk.toString('latin1', 0, bytes));
    else
      this.#finish(() => {
        listener.end();
      });
  }

  #take(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (this.#finished) return;
      if (this.#skipping) this.#skipping = false;
      else if (line.length >= maxLineBytes) this.#refuse(line);
      else this.#listener?.line(line);
    }
    if (this.#finished || (this.#rest.length < maxLineBytes && !this.#skipping)) return;
    if (!this.#skipping) this.#refuse(this.#rest);
    this.#skipping = true;
    this.#rest = '';
  }

  #refuse(line: string): void {
    const error = new ProtocolError(`a line of over ${maxLineBytes} bytes`, line);
    if (this.#listener?.skip !== undefined) this.#listener.skip(error);
    else this.#finish(() => this.#listener?.fail(error));
  }

  #finish(tell: () => void): void {
    if (this.#finished) return;
    this.close();
    tell();
  }
}
