// Labels output: each line of a rank begins with its number. Loaded only for --label.

import { closeSync, write } from 'node:fs';
import { Socket } from 'node:net';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { codeOf, messageOf } from '../../errors/index.js';
import { openPipe } from '../../libc/index.js';
import type { Command, Running } from './run.js';

/** A longer line is cut: a rank that writes no newlines must not fill the memory of this process. */
const longestLine = 1 << 16;

/** How long to wait for more output after a rank has ended. Its background processes may still write. */
const quietMilliseconds = 100;
const mostQuietWaits = 20;

/** Starting a process takes some descriptors too. */
const sparePipes = 2;

const lineEnd = 0x0a;

/** Starts a rank with labelled output. */
export type StartLabelled = (rank: number, command: Command) => Running;

/**
 * Labels the standard output and standard error of ranks. If there are no descriptors left for a rank, it
 * writes without a label, and `complain` is called once.
 *
 * @param start  Starts a rank.
 */
export function labelled(
  start: (command: Command) => Running,
  complain: (text: string) => void,
): StartLabelled {
  const [stdout, stderr] = [destination(1), destination(2)];
  let hasComplained = false;
  return (rank, command) => {
    const pipes: Pipe[] = [];
    try {
      for (let i = 0; i < 2 + sparePipes; i++) pipes.push(openPipe());
    } catch (error) {
      pipes.forEach(close);
      if (!hasComplained) complain(`--label: ${messageOf(error)}; rank ${rank} writes without a label`);
      hasComplained = true;
      return start(command);
    }
    const [out, err, ...spare] = pipes as [Pipe, Pipe, ...Pipe[]];
    spare.forEach(close);
    const running = start({ ...command, output: { stdout: out.writer, stderr: err.writer } });
    for (const { writer } of [out, err]) closeSync(writer);
    const label = Buffer.from(`[${rank}] `);
    const relays = [relay(out.reader, label, stdout), relay(err.reader, label, stderr)];
    const ending = running.ending.then(async (end) => {
      await Promise.all(relays.map((each) => each.finished()));
      return end;
    });
    return { ...running, ending };
  };
}

type Pipe = ReturnType<typeof openPipe>;

function close({ reader, writer }: Pipe): void {
  closeSync(reader);
  closeSync(writer);
}

/** The reader of one pipe of a rank. */
interface Relay {
  /** Resolves when everything that the rank has left in the pipe is written. */
  finished(): Promise<void>;
}

/** Passes on the contents of a pipe, line by line. */
function relay(fd: number, label: Buffer, to: Destination): Relay {
  const pipe = new Socket({ fd, readable: true, writable: false });
  // Errors of the pipe's reader are ignored: only the end matters.
  pipe.on('error', () => undefined);
  let chunks = 0;
  let isBusy = false;
  const all = (async () => {
    let rest = Buffer.alloc(0);
    for await (const chunk of pipe as AsyncIterable<Buffer>) {
      chunks++;
      isBusy = true;
      const text = Buffer.concat([rest, chunk]);
      const whole = text.lastIndexOf(lineEnd) + 1;
      rest = text.subarray(whole);
      if (!(await to.write(withLabels(text.subarray(0, whole), label)))) return;
      if (rest.length > longestLine) {
        if (!(await to.write(withLabels(rest, label)))) return;
        rest = Buffer.alloc(0);
      }
      isBusy = false;
    }
    if (rest.length > 0) await to.write(withLabels(rest, label));
  })().catch(() => undefined);
  // If the reader of this process's output has gone, the rank must see that its own reader has gone.
  void all.then(() => pipe.destroy());

  const finished = async () => {
    for (let wait = 0; wait < mostQuietWaits; wait++) {
      const before = chunks;
      if (await Promise.race([all.then(() => true), quiet()])) return;
      if (chunks === before && !isBusy) break;
    }
    pipe.destroy();
    await all;
  };
  return { finished };
}

/**
 * Also waits for a turn of the event loop: data that is already in the pipe counts, even if this process is
 * late.
 */
async function quiet(): Promise<false> {
  await sleep(quietMilliseconds);
  await turn();
  return false;
}

/** Puts a label before each line. The last line gets a newline if it has none. */
export function withLabels(lines: Buffer, label: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < lines.length;) {
    const found = lines.indexOf(lineEnd, at);
    const end = found === -1 ? lines.length : found + 1;
    parts.push(label, lines.subarray(at, end));
    if (found === -1) parts.push(Buffer.of(lineEnd));
    at = end;
  }
  return Buffer.concat(parts);
}

/** The standard output or standard error of this process. */
interface Destination {
  /** @returns false once nobody reads it any more. */
  write(bytes: Buffer): Promise<boolean>;
}

/**
 * Writes one after the other. Not through process.stdout, which would make a pipe non-blocking that other
 * programs use too.
 */
function destination(fd: number): Destination {
  let last = Promise.resolve(true);
  return {
    write: (bytes) => {
      last = last.then((isOpen) => isOpen && writeAll(fd, bytes));
      return last;
    },
  };
}

async function writeAll(fd: number, bytes: Buffer): Promise<boolean> {
  for (let at = 0; at < bytes.length;) {
    try {
      at += await writeSome(fd, bytes.subarray(at));
    } catch (error) {
      // Another program has made it non-blocking, and it is full.
      if (codeOf(error) !== 'EAGAIN') return false;
      await sleep(10);
    }
  }
  return true;
}

function writeSome(fd: number, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error === null) resolve(written);
      else reject(error);
    });
  });
}
