// Jobs of ranks in several languages: built once, run under any launcher, looked at as other jobs are.
import { execFileSync } from 'node:child_process';
import { copyFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll } from 'vitest';
import type { JobOptions } from '../support/job.js';
import { type Report, type SharedJob, fixture as jobFixture, runSharedJob } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';

/** What ranks in C are built with. */
export const forC = ['cc', '/usr/include/stdio.h', '/usr/include/hwloc.h'] as const;

/** What ranks in other languages need. */
export const programs = [...forC, 'python3'] as const;

/**
 * What a rank may be in; `gone` is one that ends before it joins, `hand` and `hostile` speak the protocol by hand
 * (test/jobs/fixtures/by-hand.mjs, test/faults/fixtures/hostile.mjs).
 */
export type Language = 'c' | 'node' | 'python' | 'gone' | 'hand' | 'hostile';

/** What test/languages/fixtures/report.* print. */
export interface RankReport extends Report {
  language: Language;
  /** Whether a second join got the same topology. */
  twice: boolean;
  cores: number;
  /** The most memory that it has used, in KB. */
  peak: number;
  /** Whether everybody was at each of the barriers; null if none was asked for. */
  met: boolean | null;
}

export interface MixedJob extends SharedJob {
  reports: RankReport[];
}

const root = resolve(import.meta.dirname, '../..');
export const header = join(root, 'examples/c');
const module = join(root, 'examples/python');

export function fixture(name: string): string {
  return join(import.meta.dirname, 'fixtures', name);
}

/** Compiles a fixture as users are told to. @returns the program. @throws Error  with the compiler's words, warnings included. */
export function compile(source: string, options: readonly string[] = [], compiler = 'cc'): string {
  const program = join(temporaryFolder(), 'program');
  const strict = ['-std=c99', '-Wall', '-Wextra', '-pedantic', '-Werror'];
  const args = [...strict, ...options, `-I${header}`, '-o', program, source, '-lhwloc', '-pthread'];
  execFileSync(compiler, args, { encoding: 'utf8', stdio: 'pipe' });
  return program;
}

let python: string | undefined;

/** Python itself, not a script that looks for it; and what it needs to find the module, and to leave nothing behind. */
export function pythonCommand(): string {
  return (python ??= execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
    encoding: 'utf8',
  }).trim());
}

export const pythonEnvironment = { PYTHONPATH: module, PYTHONDONTWRITEBYTECODE: '1' };

let built: Record<string, string> | undefined;

/** The commands of the ranks, for mix.sh. */
export function rankEnvironment(): Record<string, string> {
  return (built ??= {
    REPORT_c: compile(fixture('report.c'), ['-O1']),
    REPORT_node: `${process.execPath} ${fixture('report.mjs')}`,
    REPORT_python: `${pythonCommand()} ${fixture('report.py')}`,
    REPORT_gone: 'true',
    AWAITING: shellNamedNode(),
    REPORT_hand: `${process.execPath} ${jobFixture('by-hand.mjs')}`,
    REPORT_hostile: `${process.execPath} ${join(root, 'test/faults/fixtures/hostile.mjs')}`,
    ...pythonEnvironment,
  });
}

/** See mix.sh. */
function shellNamedNode(): string {
  const file = join(temporaryFolder(), 'node');
  copyFileSync(realpathSync('/bin/sh'), file);
  return file;
}

/** The program of a rank that is in the language at the place of its number. */
export function mix(languages: readonly Language[]): string[] {
  return ['sh', fixture('mix.sh'), languages.join(',')];
}

/** Runs a job of such ranks. `status` is that of one in which a rank is killed. */
export async function runMixed(
  command: readonly string[],
  options: JobOptions & { status?: number } = {},
): Promise<MixedJob> {
  const { status, ...rest } = options;
  const expecting =
    status === undefined ? [] : [process.execPath, jobFixture('expect-status.mjs'), String(status)];
  const job = await runSharedJob([...expecting, ...command], {
    ...rest,
    env: { ...rankEnvironment(), ...rest.env },
  });
  return { ...job, reports: job.reports as RankReport[] };
}

/** Builds the ranks before the tests of a `describe`, not within the first of them: on a busy machine a compiler takes its time. */
export function buildRanks(): void {
  beforeAll(() => {
    rankEnvironment();
  }, 120_000);
}
