// FIFOs as non-blocking ends. Never a blocking open: it would take a thread of libuv's pool until the peer comes, and
// four of those stop all file and DNS work of the process.

import { closeSync, constants, unlinkSync } from 'node:fs';
import { codeOf } from './place/index.js';
import { LineReader } from './line-reader.js';
import { LineWriter } from './line-writer.js';
import { openOurs } from './ours.js';

const { O_RDONLY, O_WRONLY, O_RDWR, S_IFIFO } = constants;

/** Opens the reading end. It ends when the last writer closes; before the first writer comes, it just waits. */
export function openReader(path: string): LineReader {
  return new LineReader(openFifo(path, O_RDONLY));
}

/**
 * Opens a reading end that never ends, whoever closes: for a FIFO that many write to, one after another.
 */
export function openEndlessReader(path: string): LineReader {
  return new LineReader(openFifo(path, O_RDWR));
}

/**
 * Opens the writing end for a reader that is there.
 *
 * @returns undefined if nobody has it open for reading: the peer is gone.
 */
export function openWriter(path: string): LineWriter | undefined {
  try {
    return new LineWriter(openFifo(path, O_WRONLY));
  } catch (error) {
    if (codeOf(error) === 'ENXIO') return undefined;
    throw error;
  }
}

/** Opens the writing end for a reader that is yet to come: what is written is kept for it, as long as we stay. */
export function openPatientWriter(path: string): LineWriter {
  // O_RDWR, not O_WRONLY: opening never fails with ENXIO, and the pipe lives on without its reader.
  return new LineWriter(openFifo(path, O_RDWR));
}

/** Whether anybody has a FIFO open for reading; one that was removed has no readers to be found. */
export function hasReader(path: string): boolean {
  try {
    const writer = openWriter(path);
    writer?.close();
    return writer !== undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Holds a FIFO open for reading, for {@link hasReader} to see, until the returned function is called. */
export function holdOpen(path: string): () => void {
  const fd = openFifo(path, O_RDWR);
  let open = true;
  return () => {
    if (open) closeSync(fd);
    open = false;
  };
}

/** Removes a name; one that is gone already is no error. The pipe itself lives until both ends are closed. */
export function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/** @throws ChannelRefusedError  if what stands there is not a FIFO of ours alone; a link is not followed (ELOOP). */
function openFifo(path: string, access: number): number {
  return openOurs(path, access, S_IFIFO);
}
