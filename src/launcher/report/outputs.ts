// The files of a report and a trace: checks them before the job, and writes them after it.

import {
  type Stats,
  accessSync,
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { codeOf, messageOf } from '../../errors/index.js';
import { ownUid } from '../../channel/place/index.js';
import { exactPath, fileNamed, hasOtherBytes } from '../../environment/index.js';
import { makeSpool } from '../../spool/index.js';
import { UsageError } from '../errors.js';

const { O_WRONLY, O_CREAT, O_TRUNC, O_NONBLOCK, W_OK, X_OK } = constants;

/** Milliseconds to wait for a full pipe that nobody reads. */
const patience = 5000;

/** The destination of an output. */
export interface Output {
  readonly path: string;
  /**
   * `replace`: a plain file, new or owned by the user, which is replaced in one step. `fill`: an existing
   * file that must not be replaced, such as a FIFO, or a file with several names. `stderr`: this process's
   * standard error.
   */
  readonly way: 'replace' | 'fill' | 'stderr';
  /** The permissions of the file that will be replaced. */
  readonly mode: number | undefined;
}

/**
 * Checks whether a file can be written, before anything is started: a wrong name should not show only after
 * the job.
 *
 * @throws UsageError
 */
export function checkOutput(option: string, file: string): Output {
  if (file === '') throw new UsageError(`${option} takes the name of a file`);
  if (file === '-') throw new UsageError(`${option} takes a file: standard output is the job's own`);
  const path = exactPath(file);
  const stat = look(option, path);
  if (stat === undefined) {
    const folder = dirname(path);
    const above = look(option, folder);
    if (above === undefined) throw new UsageError(`${option} ${file}: there is no folder ${folder}`);
    if (!above.isDirectory()) throw new UsageError(`${option} ${file}: ${folder} is not a folder`);
    checkAccess(option, folder, W_OK | X_OK);
    // A link to a missing file is filled, which creates its target.
    return { path, way: isLink(path) ? 'fill' : 'replace', mode: undefined };
  }
  if (stat.isDirectory()) throw new UsageError(`${option} ${file}: is a folder`);
  if (isOpenAs(2, stat)) return { path, way: 'stderr', mode: undefined };
  if (isOpenAs(1, stat) && !stat.isCharacterDevice()) {
    throw new UsageError(`${option} ${file}: standard output is the job's own`);
  }
  checkAccess(option, path, W_OK);
  const isOurs = stat.isFile() && stat.uid === ownUid() && stat.nlink === 1 && !isLink(path);
  return { path, way: isOurs ? 'replace' : 'fill', mode: stat.mode & 0o777 };
}

/** The spool next to an output file: the nodes of a job usually share that directory. */
export function spoolBeside({ path, way }: Output, job: string): string | undefined {
  // Ranks in Node cannot open a directory whose name is not UTF-8.
  if (way !== 'replace' || hasOtherBytes(dirname(path))) return undefined;
  return join(dirname(path), `.hwloc-share-${job}`);
}

/**
 * Writes an output.
 *
 * @param pieces  The text.
 * @throws Error  of the file system; `ENXIO`: the output is a FIFO that no process reads; or its reader has
 *   stopped.
 */
export async function writeOutput(output: Output, job: string, pieces: Iterable<string>): Promise<void> {
  const { path, way, mode } = output;
  if (way === 'stderr') return writeAll(2, pieces);
  const aside = way === 'replace' ? makeAside(output, job) : undefined;
  // Without O_NONBLOCK, opening a FIFO without a reader would wait forever.
  const fd = openSync(fileNamed(aside ?? path), O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, 0o666);
  try {
    await writeAll(fd, pieces);
  } finally {
    closeSync(fd);
  }
  if (aside === undefined) return;
  if (mode !== undefined) chmodSync(fileNamed(aside), mode);
  renameSync(fileNamed(aside), fileNamed(path));
}

/**
 * A directory on the same file system, which is swept if this process is killed; undefined if nothing new can
 * be made there.
 */
function makeAside(output: Output, job: string): string | undefined {
  const spool = spoolBeside(output, job);
  if (spool === undefined) return undefined;
  try {
    makeSpool(spool);
  } catch (error) {
    // It exists already, unless ranks left no records because it could not be made.
    if (codeOf(error) !== 'EEXIST') return undefined;
  }
  return join(spool, basename(output.path));
}

async function writeAll(fd: number, pieces: Iterable<string>): Promise<void> {
  for (const piece of pieces) {
    const bytes = Buffer.from(piece);
    let waited = 0;
    for (let done = 0; done < bytes.length;) {
      try {
        done += writeSync(fd, bytes, done);
        waited = 0;
      } catch (error) {
        if (codeOf(error) !== 'EAGAIN') throw error;
        if (waited >= patience) throw new Error(`nobody has read from it for ${patience / 1000} s`);
        await new Promise((tryAgain) => setTimeout(tryAgain, 10));
        waited += 10;
      }
    }
  }
}

function look(option: string, path: string): Stats | undefined {
  try {
    return statSync(fileNamed(path));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new UsageError(`${option}: ${messageOf(error)}`);
  }
}

function checkAccess(option: string, path: string, access: number): void {
  try {
    accessSync(fileNamed(path), access);
  } catch (error) {
    throw new UsageError(`${option}: ${messageOf(error)}`);
  }
}

function isLink(path: string): boolean {
  return lstatSync(fileNamed(path), { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function isOpenAs(fd: number, stat: Stats): boolean {
  try {
    const { dev, ino } = fstatSync(fd);
    return dev === stat.dev && ino === stat.ino;
  } catch {
    return false; // The reader has closed it.
  }
}
