// On what the figures were measured: the machine, the versions, and what else it was doing.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { findCommand } from '../../test/support/commands.js';

/** Text that goes into the JSON and above the tables. */
export interface About {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly hwloc: string;
  readonly mpi: string;
  readonly product: string;
  readonly date: string;
}

/** @param root  The folder of the hwloc-share that is measured. */
export function aboutThis(root: string): About {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    hwloc: versionOf('hwloc-info', /\d[\d.]+/) ?? 'unknown',
    mpi: versionOf('mpirun.openmpi', /\d[\d.]+/) ?? 'none',
    product: `${versionIn(root)}${commitOf(root)}`,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** What a picture says of the run that it shows. */
export function runOf({ product, date, cores, cpu, node, hwloc, mpi }: About): string {
  return `hwloc-share ${product}, ${date}; ${cores} × ${cpu}, Node ${node}, hwloc ${hwloc}, Open MPI ${mpi}`;
}

/** One line. */
export function describe(about: About): string {
  const { cpu, cores, memoryGiB, kernel, node, hwloc, mpi, product } = about;
  return (
    `hwloc-share ${product}; ${cores} × ${cpu}, ${memoryGiB} GiB; Linux ${kernel}, Node ${node}, hwloc ${hwloc}, Open MPI ${mpi}; ` +
    `load ${loadText()}`
  );
}

/** Load averages over 1, 5 and 15 minutes. What was measured under a load of others is worth less. */
export function loadText(): string {
  return loadavg()
    .map((value) => value.toFixed(1))
    .join(' ');
}

function versionOf(command: string, pattern: RegExp): string | undefined {
  const file = findCommand(command);
  if (file === undefined) return undefined;
  const text = execFileSync(file, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return pattern.exec(text)?.[0];
}

function versionIn(root: string): string {
  return (JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string }).version;
}

function commitOf(root: string): string {
  if (!existsSync(`${root}/.git`) || findCommand('git') === undefined) return '';
  const git = ['-C', root, 'describe', '--always', '--dirty'];
  return ` (${execFileSync('git', git, { encoding: 'utf8' }).trim()})`;
}
