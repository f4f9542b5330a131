// Real FIFOs, and what is heard through them.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { LineReader } from '../../src/channel/line-reader.js';
import { temporaryFolder } from '../support/temporary.js';

/** A FIFO of mode 0600 in a folder of its own. */
export function makeFifo(): string {
  const path = join(temporaryFolder(), 'fifo');
  execFileSync('mkfifo', ['-m', '600', path]);
  return path;
}

/** What a reader has told so far, and promises of more. */
export interface Ear {
  readonly lines: string[];
  readonly failures: Error[];
  ends: number;
  /** Resolves when so many lines have come. */
  heard(lines: number): Promise<void>;
  /** Resolves when the reader has ended or failed. */
  readonly over: Promise<void>;
}

/** Listens to a reader. */
export function listenTo(reader: LineReader): Ear {
  const waiting: { lines: number; resolve: () => void }[] = [];
  let finish: () => void;
  const ear: Ear = {
    lines: [],
    failures: [],
    ends: 0,
    heard: (lines) =>
      new Promise((resolve) => {
        waiting.push({ lines, resolve });
        look();
      }),
    over: new Promise((resolve) => (finish = resolve)),
  };
  const look = () => {
    for (const { lines, resolve } of waiting) if (ear.lines.length >= lines) resolve();
  };
  reader.listen({
    line: (text) => {
      ear.lines.push(text);
      look();
    },
    end: () => {
      ear.ends++;
      finish();
    },
    fail: (error) => {
      ear.failures.push(error);
      finish();
    },
  });
  return ear;
}
