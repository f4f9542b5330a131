// Where the leader writes what it shares: the channel, or a directory under another root where the channel has no room.

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

/** Data in front of each topology in a file, see data/. */
export interface DataBlock {
  /** Bytes, a multiple of the page size. */
  readonly length: number;
  /**
   * Writes it into an empty file, step by step.
   *
   * @throws HwlocError  `ENOSPC`, `EFBIG`: there is no room for it.
   */
  write(fd: number): Iterable<void>;
}

/** A directory that the leader writes into. `base`: its root's number; undefined: the channel. */
interface Place {
  readonly path: string;
  readonly base: number | undefined;
}

/** The leader's files. */
export interface TopologyFiles {
  /** The number of the root that is written under now; undefined: the channel's own. */
  readonly base: number | undefined;
  /** Bytes of data in front of each topology. */
  readonly offset: number;
  /** Writes data in front of each topology, once for all of them. @throws NotSharedError  nothing has room for it, and the fallback is turned off. */
  writeData(data: DataBlock): Promise<void>;
  /** Writes the topology of a plan. @throws HwlocError  `EBUSY`: the range is taken in this process. `ENOSPC`: no room. */
  write(topology: Topology, plan: Plan): void;
  /** Gives a complete file the name of a plan. @returns false if it cannot have it here. @throws Error  `EEXIST` */
  link(file: string, number: number): boolean;
  /** Writes XML. @returns the number of its root, 0 for the channel's own; undefined if that fails. */
  writeXml(topology: Topology): number | undefined;
  /** Removes the file of a plan. */
  discard(number: number): void;
  /** Goes on to the next directory. @returns false if there is none left that can be used. */
  moveOn(): boolean;
  /** Gives up what is held in other directories. */
  close(): void;
}

export function topologyFiles(context: Context, channel: Channel): TopologyFiles {
  const { numberedRoots, identity, notice, settings } = context;
  const places: Place[] = [{ path: channel.path, base: undefined }];
  const others: Channel[] = [];
  const unused = context.roots.filter((root) => root !== channel.root);
  let data: DataBlock | undefined;
  /** The file that has the data; a topology may be written behind it until somebody is told to open it. */
  let dataFile: { readonly place: Place; path: string } | undefined;

  const placeNow = () => places.at(-1) ?? { path: channel.path, base: undefined };
  const fileOf = ({ path }: Place, number: number) => `${path}/topology.${number}`;

  const moveOn = () => {
    for (let root = unused.shift(); root !== undefined; root = unused.shift()) {
      try {
        // A process that removes it must hold all of its locks: we hold one as long as we live.
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

  /** The file with the data, under the name of a plan; in another place than before, the data is written again. */
  const openBehindData = (block: DataBlock, file: string) => {
    const place = placeNow();
    if (dataFile?.place === place && dataFile.path === file) {
      // It was written for another address, and nobody was told of it.
    } else if (dataFile?.place === place) {
      // Not rename(), which would replace what is at the name.
      linkSync(dataFile.path, file);
      unlinkSync(dataFile.path);
    } else {
      const steps = writeNew(file, block);
      while (steps.next().done !== true);
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
          // A leader that died may have left it.
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
          // In the format of hwloc 2: older members read nothing newer, and hwloc 3 reads both.
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

/** Writes data into a new file, step by step; half of it does not stay. */
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

/** Whether an error of writing is of the place, so that another one may do. */
export function isOfThePlace(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  if (error instanceof HwlocError && ['EBUSY', 'EINVAL', 'ENOMEM'].includes(code)) return false;
  return ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EIO', 'ENODEV', 'EOPNOTSUPP', 'EFBIG'].includes(
    code,
  );
}
