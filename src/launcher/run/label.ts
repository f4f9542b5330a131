// Labelled output: each line of a rank begins with its number. Loaded only for --label.

import { closeSync, write } from 'node:fs';
import { Socket } from 'node:net';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { codeOf, messageOf } from '../../errors/index.js';
import { openPipe } from '../../libc/index.js';
import type { Command, Running } from './run.js';

/** A longer line is cut: a rank that writes no line ends must not fill our memory. */
const longestLine = 1 << 16;

/** How long output may stay away after a rank has ended, before we stop reading what its background processes may still write. */
const quietMilliseconds = 100;
const mostQuietWaits = 20;

/** Starting a process takes some descriptors, too. */
const sparePipes = 2;

const lineEnd = 0x0a;

/** Starts a rank whose output is labelled. */
export type StartLabelled = (rank: number, command: Command) => Running;

/**
 * Labels what ranks write to their standard output and standard error. If there are no descriptors for another rank, it writes without
 * a label, and `complain` is told once.
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

/** What reads one pipe of a rank. */
interface Relay {
  /** Resolves when all is written that the rank has left in the pipe. */
  finished(): Promise<void>;
}

/** Passes on what comes out of a pipe, line by line. */
function relay(fd: number, label: Buffer, to: Destination): Relay {
  const pipe = new Socket({ fd, readable: true, writable: false });
  // The pipe's reader is ours: nothing but the end is worth a word.
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
  // A reader of ours that has gone is, for the rank, a reader that has gone.
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

/** After a turn of the event loop, too: what is in the pipe counts, however late we are. */
async function quiet(): Promise<false> {
  await sleep(quietMilliseconds);
  await turn();
  return false;
}

/** Lines with a label in front of each. The last one gets an end if it has none. */
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

/** Our own standard output, or standard error. */
interface Destination {
  /** @returns false once nobody reads it any more. */
  write(bytes: Buffer): Promise<boolean>;
}

/** One write after the other. Not through process.stdout, which would make a pipe non-blocking that other programs use as well. */
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
