// Where the leader writes what it shares: the channel, or another directory where that one has no room.

import { closeSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Channel, closeChannel, createFile, openSpare, unlinkIfThere } from '../channel/index.js';
import type { Segment, Topology } from '../hwloc/index.js';
import { HwlocError } from '../hwloc/index.js';
import type { Context } from './context.js';
import { keeperFor } from './keeper.js';
import { messageOf } from './notice.js';

/** A topology that was written: a file, and where in memory it belongs. */
export interface Written extends Omit<Segment, 'fd'> {
  readonly file: string;
}

/** The leader's files. */
export class Store {
  readonly #context: Context;
  readonly #key: string;
  readonly #places: Channel[];
  #unused: string[];

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
    const fd = createFile(file);
    try {
      topology.writeTo({ fd, ...place });
    } catch (error) {
      unlinkIfThere(file);
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** Writes the topology as XML, for ranks that cannot adopt. @returns the file, or undefined where that fails. */
  writeXml(topology: Topology): string | undefined {
    for (;;) {
      const file = join(this.#place.path, 'topology.xml');
      try {
        writeFileSync(file, topology.exportXml(), { flag: 'wx', mode: 0o600 });
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

  /** Removes the channel and all else. */
  remove(): void {
    this.#places.forEach(closeChannel);
  }

  get #place(): Channel {
    const place = this.#places.at(-1);
    if (place === undefined) throw new Error('a store has at least one place');
    return place;
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
