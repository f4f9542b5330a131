// The crowd: members for whom the leader may open no more files. They share as late joiners do.

import { openPair } from './pair.js';

/** So many are sent off at once: within the descriptors that are spared for other things. */
const atOnce = 16;

/** The members that are crowded out, by their local ranks. */
export class Crowd {
  /** The paths of their pairs. */
  readonly #paths = new Map<number, string>();

  get size(): number {
    return this.#paths.size;
  }

  /** In ascending order. */
  get localRanks(): readonly number[] {
    return [...this.#paths.keys()].sort((a, b) => a - b);
  }

  has(localRank: number): boolean {
    return this.#paths.has(localRank);
  }

  /** @param path  Of its pair of FIFOs. */
  add(localRank: number, path: string): void {
    this.#paths.set(localRank, path);
  }

  /**
   * Sends them to the plan, a few at a time: they see the end of their pipe. It resolves when they have let go of theirs, and need the
   * file no more.
   *
   * @param seconds  How long one of them may take.
   */
  async sendOff(seconds: number): Promise<void> {
    const paths = [...this.#paths.values()];
    for (let at = 0; at < paths.length; at += atOnce) {
      await Promise.all(paths.slice(at, at + atOnce).map((path) => sendOff(path, seconds)));
    }
  }
}

async function sendOff(path: string, seconds: number): Promise<void> {
  let pair: ReturnType<typeof openPair>;
  try {
    pair = openPair(path);
  } catch {
    // It has gone, with its pair; or there are no descriptors left even for it: then it finds the plan by itself.
    return;
  }
  const { reader, writer } = pair;
  if (writer === undefined) {
    // It has found the plan already.
    reader.close();
    return;
  }
  await new Promise<void>((resolve) => {
    const limit = setTimeout(() => {
      reader.close();
      resolve();
    }, seconds * 1000);
    const ended = () => {
      clearTimeout(limit);
      resolve();
    };
    reader.listen({ line: () => undefined, end: ended, fail: ended });
    writer.close();
  });
}
