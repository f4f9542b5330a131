// Loads the topology to show: of this machine, a file, a directory, an archive, a description, or a job.

import { existsSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ObjectType,
  type Patience,
  type Topology,
  type TypeFilter,
  isIo,
  loadTopology,
  loadWithin,
  objectTypes,
} from '../../../hwloc/index.js';
import { fileNamed, hasOtherBytes } from '../../../environment/index.js';
import { CommandError, UsageError } from '../../errors.js';

/** The kinds of input, by their names in hwloc's tools. `tar` is what hwloc-gather-topology saves. */
export const inputFormats = ['xml', 'fsroot', 'tar', 'synthetic'] as const;
export type InputFormat = (typeof inputFormats)[number];

/** As in lstopo: all types, but groups only if they add structure. The I/O filter is a separate option. */
const filters = Object.fromEntries(
  objectTypes.filter((type) => type !== 'Group' && !isIo(type)).map((type) => [type, 'all']),
) as Partial<Record<ObjectType, TypeFilter>>;

/**
 * Loads this machine, or what hwloc's own variables name.
 *
 * @param complain  Called with a sentence for the user if loading takes long.
 */
export function loadMachine(
  io: TypeFilter,
  patience: Patience,
  complain: (text: string) => void,
): Promise<Topology> {
  return loadWithin({ io, filters }, patience, complain);
}

/**
 * Loads what a file or a text describes.
 *
 * @param input   A path or a description.
 * @param format  The format of the input; undefined to detect it, as lstopo does.
 * @throws CommandError  the input cannot be read.
 */
export async function loadInput(
  input: string,
  format: InputFormat | undefined,
  io: TypeFilter,
): Promise<Topology> {
  const common = { io, filters };
  const kind = format ?? formatOf(input);
  try {
    switch (kind) {
      case 'synthetic':
        return await loadTopology({ ...common, source: { synthetic: input } });
      case 'xml':
        // hwloc would open /dev/stdin, which fails for a socket. Below another Node process, stdin is a
        // socket.
        if (input === '-') return await loadTopology({ ...common, source: { xml: readFileSync(0, 'utf8') } });
        if (!existsSync(fileNamed(input))) throw new CommandError(`${input}: no such file`);
        if (hasOtherBytes(input)) {
          return await loadTopology({ ...common, source: { xml: readFileSync(fileNamed(input), 'utf8') } });
        }
        return await loadTopology({ ...common, source: { xmlFile: input } });
      case 'fsroot':
        return await loadTopology({ ...common, source: { fsroot: rootIn(openable(input), input) } });
      case 'tar':
        return await loadArchive(input, common);
    }
  } catch (error) {
    if (error instanceof CommandError || !(error instanceof Error)) throw error;
    throw new CommandError(`${input} cannot be read as ${named[kind]}: ${error.message}`);
  }
}

const named: Record<InputFormat, string> = {
  synthetic: 'a synthetic description',
  xml: 'XML of hwloc',
  fsroot: 'a folder with the /proc and /sys of a system',
  tar: 'an archive of the /proc and /sys of a system',
};

function formatOf(input: string): InputFormat {
  const stat = statSync(fileNamed(input), { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) return 'fsroot';
  if (stat !== undefined) return /\.t(ar|gz|bz2?|xz|zst)\b/.test(input) ? 'tar' : 'xml';
  if (input === '-') return 'xml';
  // `pack:2 core:4` is a description. A missing path must not be: "bad description" would be a useless
  // message.
  if (/[:\d]/.test(input) && !/[/]|\.(xml|tar|tgz|bz2)\b/.test(input)) return 'synthetic';
  throw new UsageError(
    `${input}: no such file or folder, and no synthetic description such as "pack:2 core:4 pu:2"`,
  );
}

async function loadArchive(archive: string, common: Parameters<typeof loadTopology>[0]): Promise<Topology> {
  if (!existsSync(fileNamed(archive))) throw new CommandError(`${archive}: no such file`);
  // In memory if possible: there may be ten thousand small files.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'hwloc-share-show-'));
  try {
    const { execa } = await import('execa');
    const words = ['--extract', '--no-same-owner', `--file=${openable(archive)}`, `--directory=${folder}`];
    await execa('tar', words, { stdio: ['ignore', 'ignore', 'pipe'] });
    return await loadTopology({ ...common, source: { fsroot: rootIn(folder, archive) } });
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: string };
    if (code === 'ENOENT') throw new CommandError('tar is not installed, and needed to read an archive');
    if (stderr !== undefined) throw new CommandError(`${archive}: ${stderr.trim().replace(/\n+/g, '; ')}`);
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Another name for a file, for functions that only take UTF-8. It is valid as long as this process runs. */
function openable(name: string): string {
  return hasOtherBytes(name) ? `/proc/${process.pid}/fd/${openSync(fileNamed(name), 'r')}` : name;
}

/**
 * The directory that contains /sys: this one, or the only one in it, as in hwloc-gather-topology's archives.
 */
function rootIn(folder: string, name = folder): string {
  if (existsSync(join(folder, 'sys'))) return folder;
  const [only, ...others] = readdirSync(folder);
  if (only !== undefined && others.length === 0 && existsSync(join(folder, only, 'sys')))
    return join(folder, only);
  throw new CommandError(`${name}: there is no sys folder in it`);
}
