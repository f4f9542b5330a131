// Where the leader writes what it shares: the channel, or another directory where that one has no room.

import { closeSync, constants, linkSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Channel, closeChannel, createFile, openSpare, unlinkIfThere } from '../channel/index.js';
import type { Segment, Topology } from '../hwloc/index.js';
import { HwlocError } from '../hwloc/index.js';
import type { Context } from './context.js';
import { NotSharedError } from './errors.js';
import { keeperFor } from './keeper.js';
import { messageOf } from './notice.js';

/** A topology that was written: a file, and where in memory it belongs. */
export interface Written extends Omit<Segment, 'fd'> {
  readonly file: string;
}

/** What stands in front of each topology: data, see share.ts. */
export interface Front {
  /** Bytes, a multiple of the page size. */
  readonly length: number;
  /**
   * Writes it into an empty file, step by step.
   *
   * @throws HwlocError  `ENOSPC`, `EFBIG`: there is no room for it.
   */
  write(fd: number): Iterable<void>;
}

/** The leader's files. */
export class Store {
  readonly #context: Context;
  readonly #key: string;
  readonly #places: Channel[];
  #unused: string[];
  #front: Front | undefined;
  /** Where the front is written; what else is in the file may be written anew, until somebody is told to open it. */
  #frontFile: string | undefined;

  constructor(context: Context, channel: Channel, key: string) {
    this.#context = context;
    this.#key = key;
    this.#places = [channel];
    this.#unused = context.roots.filter((root) => root !== channel.root);
  }

  /** The file of a generation, in the place where we write now. */
  fileOf(generation: number): string {
    return join(this.#place.path, `topology.${generation}`);
  }

  /**
   * Writes a topology.
   *
   * @throws HwlocError  `EBUSY`: the range is taken in this process. `ENOSPC`: this place has no room.
   */
  write(topology: Topology, { file, ...place }: Written): void {
    const fd = this.#front === undefined ? createFile(file) : this.#openBehind(this.#front, file);
    try {
      topology.writeTo({ fd, ...place });
    } catch (error) {
      if (this.#front === undefined) unlinkIfThere(file);
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** The data in front of the topologies, and the file that has it. */
  get data(): { readonly file: string; readonly length: number } | undefined {
    if (this.#front === undefined || this.#frontFile === undefined) return undefined;
    return { file: this.#frontFile, length: this.#front.length };
  }

  /**
   * Writes what is to stand in front of each topology, once for all of them. Where nothing has room for it, there is none.
   *
   * @throws NotSharedError  in that case, where the ladder is turned off.
   */
  async putInFront(front: Front): Promise<void> {
    for (;;) {
      try {
        const file = this.fileOf(0);
        const steps = writeNew(file, front);
        while (steps.next().done !== true) await new Promise(setImmediate);
        this.#front = front;
        this.#frontFile = file;
        return;
      } catch (error) {
        if (isOfThePlace(error) && this.moveOn()) continue;
        if (this.#context.settings.strict) throw new NotSharedError(messageOf(error), { cause: error });
        this.#context.notice(`the data cannot be shared, each rank has its own: ${messageOf(error)}`);
        return;
      }
    }
  }

  /** The file with the front, under the name of the next generation; in another place than before, it is written again. */
  #openBehind(front: Front, file: string): number {
    if (this.#frontFile !== undefined && dirname(this.#frontFile) === this.#place.path) {
      // Not rename(), which would replace what stands at the name.
      linkSync(this.#frontFile, file);
      unlinkSync(this.#frontFile);
    } else {
      const steps = writeNew(file, front);
      while (steps.next().done !== true);
    }
    this.#frontFile = file;
    return openSync(file, constants.O_RDWR | constants.O_NOFOLLOW);
  }

  /** Writes the topology as XML, for ranks that cannot adopt. @returns the file, or undefined where that fails. */
  writeXml(topology: Topology): string | undefined {
    for (;;) {
      const file = join(this.#place.path, 'topology.xml');
      try {
        // In the format of hwloc 2: older members read nothing newer, and hwloc 3 reads both.
        writeFileSync(file, topology.exportXml({ v2: true }), { flag: 'wx', mode: 0o600 });
        return file;
      } catch (error) {
        if (isOfThePlace(error) && this.moveOn()) continue;
        this.#context.notice(`no XML for the ranks that cannot adopt: ${messageOf(error)}`);
        return undefined;
      }
    }
  }

  /** Goes on to the next directory. @returns false if there is none left that can be used. */
  moveOn(): boolean {
    for (let root = this.#unused.shift(); root !== undefined; root = this.#unused.shift()) {
      try {
        this.#places.push(openSpare(root, this.#key, keeperFor(this.#context.identity)));
        return true;
      } catch (error) {
        this.#context.notice(messageOf(error));
      }
    }
    return false;
  }

  /** Removes the channel and all else. Nothing is made any more, even if data is still being written. */
  remove(): void {
    this.#unused = [];
    this.#places.forEach(closeChannel);
  }

  get #place(): Channel {
    const place = this.#places.at(-1);
    if (place === undefined) throw new Error('a store has at least one place');
    return place;
  }
}

/** Writes a front into a new file, step by step; half of it does not stay. */
function* writeNew(file: string, front: Front): Generator<void> {
  const fd = createFile(file);
  try {
    yield* front.write(fd);
  } catch (error) {
    unlinkIfThere(file);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Whether an error of writing is of the place, so that another one may do. */
export function isOfThePlace(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (error instanceof HwlocError && ['EBUSY', 'EINVAL', 'ENOMEM'].includes(code)) return false;
  return ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EIO', 'ENODEV', 'EOPNOTSUPP', 'EFBIG'].includes(
    code,
  );
}
