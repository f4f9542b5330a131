// Jobs whose ranks share a topology, as tests look at them: a report of each rank, and what is left afterwards.
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import type { Allowed } from '../../src/rank/allowed.js';
import type { Outcome } from '../../src/rank/index.js';
import { type JobOptions, type JobResult, runJob } from './job.js';
import { leftovers, processesLeft, processesWith } from './leftovers.js';
import { ownedMemoryFolder } from './owner.js';

/** What test/jobs/fixtures/report.mjs prints. */
export interface Report {
  rank: number;
  /** Not there where the launcher does not tell, as the next two. */
  size?: number;
  localRank?: number;
  localSize?: number;
  node: string;
  allowed: Allowed;
  outcome: Outcome;
  /** A hash of the XML. */
  xml: string;
  /** The same without the lines that tell what the library supports, which an import of XML does not restore in full. */
  tree: string;
  xmlBytes: number;
  counts: { PU: number; Core: number; NUMANode: number };
  depth: number;
  isThisSystem: boolean;
  /** The CPUs that it is bound to, as a list. */
  binding: string;
  /** What hwloc says that whoever loaded the topology was allowed. */
  hwlocAllows: { cpus: string; nodes: string };
}

/** A job script of the tests. */
export function fixture(name: string): string {
  return resolve(import.meta.dirname, '../jobs/fixtures', name);
}

/** The program of a rank that prints a {@link Report}. */
export const reporter = [process.execPath, fixture('report.mjs')] as const;

export interface SharedJob extends JobResult {
  reports: Report[];
}

/**
 * Runs a job in a channel directory of its own, and checks what must be true of every job: it ends well, and leaves
 * nothing behind, neither files nor processes.
 */
export async function runSharedJob(command: readonly string[], options: JobOptions = {}): Promise<SharedJob> {
  // On /dev/shm, as for users, unless the test says otherwise.
  const asked = options.env?.HWLOC_SHARE_DIR;
  const folder = mkdtempSync(asked === undefined ? ownedMemoryFolder : join(asked, 'hwloc-share-test-'));
  try {
    const result = await runJob(command, { ...options, env: { ...options.env, HWLOC_SHARE_DIR: folder } });
    expect(result, result.stderr).toMatchObject({ exitCode: 0 });
    expect(leftovers([folder])).toEqual([]);
    expect(await processesLeft(() => processesWith(result.marker))).toEqual([]);
    return { ...result, reports: reportsIn(result.stdout) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The reports in what a job printed, by rank. Open MPI's ranks print to a pty, with `\r\n`. */
export function reportsIn(stdout: string): Report[] {
  const lines = stdout.split(/\r?\n/).filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as Report).sort((a, b) => a.rank - b.rank);
}

/** What a job must have come to in which everybody shares. */
export function expectAllAdopted(reports: readonly Report[], ranks: number): void {
  expect(reports.map(({ rank }) => rank)).toEqual([...Array(ranks).keys()]);
  // With the outcomes of all in the message, which say why one did not.
  const outcomes = reports.map(({ outcome }) => JSON.stringify(outcome)).join(' ');
  for (const { outcome } of reports) expect(outcome, outcomes).toMatchObject({ how: 'adopted' });
  expect(new Set(reports.map(({ xml }) => xml)).size).toBe(1);
  expect(new Set(reports.map(({ outcome }) => outcome.address)).size).toBe(1);
  expect(reports.filter(({ outcome }) => outcome.didDiscover)).toHaveLength(1);
}

/** What is on stderr beside lines about ranks that have not joined. */
export function withoutMissing(stderr: string): string {
  return stderr.replace(
    /^hwloc-share: node \S+, rank \d+: .* ha(ve|s) not joined; continuing without .*\n/gm,
    '',
  );
}
