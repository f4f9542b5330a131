// The reading end of a pipe, line by line, with bounded memory.

import { Socket } from 'node:net';
import { ProtocolError } from './errors.js';
import { maxLineBytes } from './line.js';

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
  readonly #socket: Socket;
  #rest = '';
  #listener: LineListener | undefined;
  #finished = false;
  /** Whether what comes next is the rest of a line that is left out. */
  #skipping = false;

  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: true, writable: false });
    this.#socket.setEncoding('latin1');
  }

  /** Starts reading. Until then everything waits in the pipe. */
  listen(listener: LineListener): void {
    this.#listener = listener;
    this.#socket.on('data', (chunk: string) => {
      this.#take(chunk);
    });
    this.#socket.on('end', () => {
      this.#finish(() => {
        listener.end();
      });
    });
    this.#socket.on('error', (error) => {
      this.#finish(() => {
        listener.fail(error);
      });
    });
  }

  /** Whether waiting for lines keeps the process alive. It does until told otherwise. */
  keepAlive(yes: boolean): void {
    if (yes) this.#socket.ref();
    else this.#socket.unref();
  }

  close(): void {
    this.#finished = true;
    this.#socket.destroy();
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
