// Draws a picture of a topology with lstopo.

import { constants, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { execa } from 'execa';
import type { Topology } from '../../../hwloc/index.js';
import { environment, fileNamed, hasOtherBytes } from '../../../environment/index.js';
import { CommandError, UsageError } from '../../errors.js';
import { executable } from '../../kinds/index.js';
import { ownDistribution } from '../doctor/distribution.js';

/** Longer than drawing a large machine takes. */
const patienceSeconds = 120;

/** The picture formats of lstopo. Its variant without graphics libraries draws SVG only. */
const formats = ['svg', 'png', 'pdf'];

/**
 * Draws a topology into a file, with lstopo.
 *
 * @param bound  The pid of the process whose binding is marked, if the topology is of this machine.
 * @throws CommandError  lstopo is missing or fails, or the file exists and `force` was not given.
 */
export async function drawPicture(
  topology: Topology,
  file: string,
  { force, bound }: { force: boolean; bound: number },
): Promise<void> {
  const format = extname(file).slice(1).toLowerCase();
  if (!formats.includes(format)) {
    throw new UsageError(
      `--picture draws .${formats.join(', .')}, not ${format === '' ? 'a file without an ending' : `.${format}`}`,
    );
  }
  const program = drawer(format);
  const folder = mkdtempSync(join(tmpdir(), 'hwloc-share-show-'));
  try {
    // Not through standard input: lstopo opens /dev/stdin, which fails for the socket that Node would make of
    // it.
    const input = join(folder, 'topology.xml');
    writeFileSync(input, topology.exportXml());
    const words = ['--input', input, '--input-format', 'xml', '--output-format', format];
    if (topology.isThisSystem) words.push('--thissystem', '--pid', String(bound));
    if (force) words.push('--force');
    if (!hasOtherBytes(file)) {
      await run(program, [...words, file]);
      return;
    }
    // lstopo writes to this name: the real name may not be UTF-8.
    const picture = join(folder, `picture.${format}`);
    await run(program, [...words, picture]);
    copyFileSync(picture, fileNamed(file), force ? 0 : constants.COPYFILE_EXCL);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(program: string, words: readonly string[]): Promise<void> {
  const { failed, stderr, timedOut, exitCode, originalMessage } = await execa(program, words, {
    // lstopo must not open a window, and must not read what hwloc's variables name.
    env: {
      ...environment(),
      DISPLAY: undefined,
      HWLOC_XMLFILE: undefined,
      HWLOC_SYNTHETIC: undefined,
      HWLOC_FSROOT: undefined,
    },
    extendEnv: false,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: patienceSeconds * 1000,
    killSignal: 'SIGKILL',
    reject: false,
  });
  if (!failed) return;
  const said = stderr.trim().replace(/\s*\n\s*/g, '; ');
  const status = exitCode === undefined ? originalMessage : `status ${exitCode}`;
  const why = timedOut ? `no end within ${patienceSeconds} s` : said === '' ? status : said;
  throw new CommandError(`${program} did not draw ${words.at(-1) ?? ''}: ${why}`);
}

function drawer(format: string): string {
  const path = environment().PATH ?? '';
  if (executable('lstopo', path) !== undefined) return 'lstopo';
  const small = executable('lstopo-no-graphics', path) !== undefined;
  if (small && format === 'svg') return 'lstopo-no-graphics';
  const install = ownDistribution().install({ apt: 'hwloc', dnf: 'hwloc-gui', zypper: 'hwloc' });
  throw new CommandError(
    (small
      ? `lstopo-no-graphics draws .svg only; for .${format} lstopo is needed`
      : 'lstopo, which draws pictures, is not installed') + (install === undefined ? '' : `: ${install}`),
  );
}
