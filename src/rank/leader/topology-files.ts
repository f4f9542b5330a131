// Writes the leader's files: into the channel, or into a directory under another root if the channel has no
// room.

import { closeSync, constants, linkSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import {
  type Channel,
  type Plan,
  createFile,
  enterChannel,
  leaderByte,
  unlinkIfThere,
} from '../../channel/index.js';
import { codeOf, messageOf } from '../../errors/index.js';
import { HwlocError } from '../../libc/index.js';
import type { Topology } from '../../hwloc/index.js';
import type { Context } from '../context.js';
import { NotSharedError } from '../errors.js';
import { filesKey } from '../meeting/plans.js';

/** The data before each topology in a file, see data/. */
export interface DataBlock {
  /** Length in bytes, a multiple of the page size. */
  readonly length: number;
  /**
   * Writes the data into an empty file, step by step.
   *
   * @throws HwlocError  `ENOSPC`, `EFBIG`: there is no room for it.
   */
  write(fd: number): Iterable<void>;
}

/** A directory that the leader writes into. `base`: the number of its root; undefined: the channel. */
interface Place {
  readonly path: string;
  readonly base: number | undefined;
}

/** The leader's files. */
export interface TopologyFiles {
  /** The number of the root that the leader writes to now; undefined: the channel's own root. */
  readonly base: number | undefined;
  /** Bytes of data before each topology. */
  readonly offset: number;
  /**
   * Writes the data once; it is then before each topology. @throws NotSharedError  no directory has room for
   * it, and there is no fallback (`strict`).
   */
  writeData(data: DataBlock): Promise<void>;
  /**
   * Writes the topology of a plan. @throws HwlocError  `EBUSY`: the range is occupied in this process.
   * `ENOSPC`: no room.
   */
  write(topology: Topology, plan: Plan): void;
  /**
   * Gives a complete file the name of a plan. @returns false if that is impossible in this directory. @throws
   * Error  `EEXIST`
   */
  link(file: string, number: number): boolean;
  /**
   * Writes XML. @returns the number of its root, 0 for the channel's own root; undefined if writing fails.
   */
  writeXml(topology: Topology): number | undefined;
  /** Removes the file of a plan. */
  discard(number: number): void;
  /** Continues with the next directory. @returns false if none is left that can be used. */
  moveOn(): boolean;
  /** Leaves the directories under other roots. */
  close(): void;
}

export function topologyFiles(context: Context, channel: Channel): TopologyFiles {
  const { numberedRoots, identity, notice, settings } = context;
  const places: Place[] = [{ path: channel.path, base: undefined }];
  const others: Channel[] = [];
  const unused = context.roots.filter((root) => root !== channel.root);
  let data: DataBlock | undefined;
  /**
   * The file that has the data. A topology may be written after the data until a rank is told to open the
   * file.
   */
  let dataFile: { readonly place: Place; path: string } | undefined;

  const placeNow = () => places.at(-1) ?? { path: channel.path, base: undefined };
  const fileOf = ({ path }: Place, number: number) => `${path}/topology.${number}`;

  const moveOn = () => {
    for (let root = unused.shift(); root !== undefined; root = unused.shift()) {
      try {
        // A process that removes the directory must hold all of its locks. This process holds one of them
        // until it ends.
        const other = enterChannel([root], filesKey(identity.key), leaderByte);
        others.push(other);
        places.push({ path: other.path, base: numberedRoots.indexOf(root) });
        return true;
      } catch (error) {
        notice(messageOf(error));
      }
    }
    return false;
  };

  /**
   * Opens the file with the data under the name of a plan. In another directory, the data is written again.
   */
  const openBehindData = (block: DataBlock, file: string) => {
    const place = placeNow();
    if (dataFile?.place !== place) {
      const steps = writeNew(file, block);
      while (steps.next().done !== true);
    } else if (dataFile.path !== file) {
      // Not rename(), which would replace an existing file of that name.
      linkSync(dataFile.path, file);
      unlinkSync(dataFile.path);
    }
    dataFile = { place, path: file };
    return openSync(file, constants.O_RDWR | constants.O_NOFOLLOW);
  };

  return {
    get base() {
      return placeNow().base;
    },
    get offset() {
      return data?.length ?? 0;
    },
    async writeData(block) {
      for (;;) {
        const place = placeNow();
        const path = fileOf(place, 0);
        try {
          // A leader that died may have left this file.
          unlinkIfThere(path);
          const steps = writeNew(path, block);
          while (steps.next().done !== true) await new Promise(setImmediate);
          data = block;
          dataFile = { place, path };
          return;
        } catch (error) {
          if (isOfThePlace(error) && moveOn()) continue;
          if (settings.strict) throw new NotSharedError(messageOf(error), { cause: error });
          notice(`the data cannot be shared, each rank has its own: ${messageOf(error)}`);
          return;
        }
      }
    },
    write(topology, { number, offset, at, bytes }) {
      const file = fileOf(placeNow(), number);
      const fd = data === undefined ? createFile(file) : openBehindData(data, file);
      try {
        topology.writeTo({ fd, offset, address: at, length: bytes });
      } catch (error) {
        if (data === undefined) unlinkIfThere(file);
        throw error;
      } finally {
        closeSync(fd);
      }
    },
    link(file, number) {
      try {
        linkSync(file, fileOf(placeNow(), number));
        return true;
      } catch (error) {
        if (codeOf(error) === 'EEXIST') throw error;
        return false; // EXDEV: under another root
      }
    },
    writeXml(topology) {
      for (;;) {
        const { path, base } = placeNow();
        try {
          // In hwloc 2's format: older members read nothing newer, and hwloc 3 reads both.
          writeFileSync(`${path}/topology.xml`, topology.exportXml({ v2: true }), {
            flag: 'wx',
            mode: 0o600,
          });
          return base ?? 0;
        } catch (error) {
          if (isOfThePlace(error) && moveOn()) continue;
          notice(`no XML for the ranks that cannot adopt: ${messageOf(error)}`);
          return undefined;
        }
      }
    },
    discard(number) {
      for (const place of places) unlinkIfThere(fileOf(place, number));
    },
    moveOn,
    close() {
      for (const { roll } of others) roll.close();
    },
  };
}

/** Writes data into a new file, step by step. An incomplete file is removed. */
function* writeNew(file: string, data: DataBlock): Generator<void> {
  const fd = createFile(file);
  try {
    yield* data.write(fd);
  } catch (error) {
    unlinkIfThere(file);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Whether a write failed because of the directory, so that another directory may work. */
export function isOfThePlace(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  if (error instanceof HwlocError && ['EBUSY', 'EINVAL', 'ENOMEM'].includes(code)) return false;
  return ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EIO', 'ENODEV', 'EOPNOTSUPP', 'EFBIG'].includes(
    code,
  );
}
