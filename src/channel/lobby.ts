// The lobby: the FIFO through which ranks talk to the leader. Each line is one write of at most 4,096 bytes,
// which is never split.

import { closeSync, constants, readSync } from 'node:fs';
import { type Watch, watch, writeText } from '../libc/index.js';
import { codeOf } from '../errors/index.js';
import { maxLineBytes } from './line.js';
import { openOurs } from './ours.js';

/** The lobby, open for reading and writing. */
export interface Lobby {
  /** Writes a line, which ends with a newline. @returns false if there is no room now. */
  write(line: string): boolean;
  /** Resolves when there is room, or after a few milliseconds. */
  untilWritable(): Promise<void>;
  /** The lines that wait to be read. A line that is too long is given as undefined. */
  read(): (string | undefined)[];
  /** Calls `ready` when there is something to read, until the lobby is closed. */
  listen(ready: () => void): Pick<Watch, 'keepAlive'>;
  close(): void;
}

/** Bytes for each read: the capacity of a FIFO. */
const chunkBytes = 65_536;
const retryMilliseconds = 5;

/**
 * Opens the lobby of a channel.
 *
 * O_RDWR, not O_WRONLY: opening never fails with ENXIO, and the FIFO keeps its content until a leader reads it.
 */
export function openLobby(channel: string): Lobby {
  const fd = openOurs(`${channel}/lobby`, constants.O_RDWR, constants.S_IFIFO);
  const reader = new LineSplitter();
  let chunk: Buffer | undefined;
  let watching: Watch | undefined;
  let isOpen = true;
  return {
    write: (line) => writeText(fd, line) > 0,
    untilWritable: () => new Promise((resolve) => void setTimeout(resolve, retryMilliseconds)),
    read() {
      chunk ??= Buffer.allocUnsafeSlow(chunkBytes);
      const lines: (string | undefined)[] = [];
      for (;;) {
        const bytes = readNow(fd, chunk);
        if (bytes === 0) return lines;
        lines.push(...reader.split(chunk.toString('latin1', 0, bytes)));
        if (bytes < chunkBytes) return lines;
      }
    },
    listen(ready) {
      watching = watch(fd, 'readable', ready);
      return watching;
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      watching?.stop();
      closeSync(fd);
    },
  };
}

function readNow(fd: number, chunk: Buffer): number {
  try {
    return readSync(fd, chunk);
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return 0;
    throw error;
  }
}

/**
 * Joins reads into lines, with bounded memory. Only a process that breaks the protocol writes half a line.
 */
export class LineSplitter {
  #rest = '';
  /** Whether the next bytes are the rest of a line that is skipped. */
  #skipping = false;

  split(text: string): (string | undefined)[] {
    const lines: (string | undefined)[] = [];
    const pieces = (this.#rest + text).split('\n');
    this.#rest = pieces.pop() ?? '';
    for (const line of pieces) {
      if (this.#skipping) this.#skipping = false;
      else lines.push(line.length < maxLineBytes ? line : undefined);
    }
    if (this.#rest.length >= maxLineBytes || this.#skipping) {
      if (!this.#skipping) lines.push(undefined);
      this.#skipping = true;
      this.#rest = '';
    }
    return lines;
  }
}
