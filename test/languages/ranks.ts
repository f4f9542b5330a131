// Jobs of ranks in several languages: built once, run under any launcher, looked at as other jobs are.
import { execFileSync, spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { beforeAll } from 'vitest';
import type { JobOptions } from '../support/job.js';
import { whyNotInstalled } from '../support/programs.js';
import { type Report, type SharedJob, fixture as jobFixture, runSharedJob } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';

/** What ranks in C are built with. */
export const forC = ['cc', '/usr/include/stdio.h', '/usr/include/hwloc.h'] as const;

/** What ranks in other languages need. */
export const programs = [...forC, 'python3'] as const;

/** What a rank may be in; `gone` is one that ends before it joins, `hand` speaks the protocol by hand (fixtures/by-hand.py). */
export type Language = 'c' | 'node' | 'python' | 'gone' | 'hand';

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
  /** The data that the leader shares, by name: its length and its first byte. */
  data: Record<string, [length: number, first: number | null]>;
}

export interface MixedJob extends SharedJob {
  reports: RankReport[];
}

const root = resolve(import.meta.dirname, '../..');
/** The client in C: a header, a source and a Makefile. */
export const inC = join(root, 'clients/c');
/** The folder of the package in Python. */
export const inPython = join(root, 'clients/python');

export function fixture(name: string): string {
  return join(import.meta.dirname, 'fixtures', name);
}

const strict = ['-Wall', '-Wextra', '-pedantic', '-Werror'];

/**
 * Compiles a program with the client's source.
 *
 * @param client  Its file; none if the program includes it.
 * @returns the program.
 * @throws Error  with the compiler's words, warnings included.
 */
export function compile(
  source: string,
  options: readonly string[] = [],
  client: readonly string[] = [join(inC, 'hwloc_share.c')],
): string {
  const program = join(temporaryFolder(), 'program');
  const args = [...strict, '-std=c99', ...options, `-I${inC}`, '-o', program, source, ...client];
  execFileSync('cc', [...args, '-lhwloc', '-pthread'], { encoding: 'utf8', stdio: 'pipe' });
  return program;
}

/** Compiles one file on its own, without warnings. @returns the object. */
export function compileAlone(source: string, options: readonly string[], compiler: string): string {
  const object = join(temporaryFolder(), 'object.o');
  execFileSync(compiler, [...strict, ...options, `-I${inC}`, '-c', '-o', object, source], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
  return object;
}

let python: string | undefined;

/** Python itself, not a script that looks for it; and what it needs to find the module, and to leave nothing behind. */
export function pythonCommand(): string {
  return (python ??= execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
    encoding: 'utf8',
  }).trim());
}

export const pythonEnvironment = { PYTHONPATH: inPython, PYTHONDONTWRITEBYTECODE: '1' };

let built: Record<string, string> | undefined;

/** The commands of the ranks, for mix.sh. */
export function rankEnvironment(): Record<string, string> {
  return (built ??= {
    REPORT_c: compile(fixture('report.c'), ['-O1']),
    REPORT_node: `${process.execPath} ${fixture('report.mjs')}`,
    REPORT_python: `${pythonCommand()} ${fixture('report.py')}`,
    REPORT_gone: 'true',
    REPORT_hand: `${pythonCommand()} ${fixture('by-hand.py')}`,
    HOLD: `${pythonCommand()} ${fixture('hold.py')}`,
    ...pythonEnvironment,
  });
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
    env: { ...rankEnvironment(), TOGETHER: temporaryFolder(), ...rest.env },
  });
  return { ...job, reports: job.reports as RankReport[] };
}

/** Builds the ranks before the tests of a `describe`, not within the first of them: on a busy machine a compiler takes its time. */
export function buildRanks(): void {
  beforeAll(() => {
    rankEnvironment();
  }, 120_000);
}

/** Why programs cannot be built with an MPI library's compiler; undefined if they can. It may be installed without its headers. */
export function whyNoMpi(compiler: string): string | undefined {
  const missing = whyNotInstalled([compiler]);
  if (missing !== undefined) return missing;
  const built = spawnSync(compiler, ['-fsyntax-only', '-x', 'c', '-'], { input: '#include <mpi.h>\n' });
  return built.status === 0 ? undefined : `${compiler} finds no mpi.h`;
}
