// Makes the report of a job from the records of its ranks in a spool: a document, a trace and a summary.
// Loaded only if asked for.

import { dirname, join } from 'node:path';
import pLimit from 'p-limit';
import { openRoot } from '../../channel/place/index.js';
import { makeSpool, readSpool, removeSpool, spoolsIn } from '../../spool/index.js';
import type { Options } from '../command-line/options.js';
import { messageOf } from '../../errors/index.js';
import { readManifest } from '../manifest.js';
import type { Ending } from '../run/run.js';
import { type JobFacts, reportOf } from './document.js';
import { type Step, stepsOf } from './gather.js';
import { type Output, checkOutput, spoolBeside, writeOutput } from './outputs.js';
import { summaryOf } from './summary.js';
import { traceOf } from './trace.js';

/** How many nodes' parts are read at once: a job may have a thousand. */
const partsAtOnce = 8;

/** The requested outputs, and the job. */
export interface Asked extends Pick<Options, 'report' | 'trace'> {
  /** Whether a summary goes to stderr. */
  readonly verbose: boolean;
  readonly job: string;
  /** Where this user's channels may be on this node. */
  readonly roots: readonly string[];
  /** Writes a line to stderr. */
  readonly complain: (text: string) => void;
}

/** A report that is being made. */
export interface Reporting {
  /** Where ranks leave their records; undefined if no place can be used. */
  readonly spool: string | undefined;
  /** Other spools next to it. Wrappers that were killed may have left some of them. */
  readonly others: readonly string[];
  /** Reads the records of the ranks. Call this before the job's directories are removed. */
  collect(): Promise<void>;
  /** Writes the requested outputs. Never fails: a line on stderr says what cannot be written. */
  finish(launcher: JobFacts['launcher'], ending: Ending): Promise<void>;
}

/**
 * Prepares a report.
 *
 * @throws UsageError  a file cannot be written; reported now, not after the job.
 */
export function openReport(asked: Asked): Reporting {
  const report = asked.report === undefined ? undefined : checkOutput('--report', asked.report);
  const trace = asked.trace === undefined ? undefined : checkOutput('--trace', asked.trace);
  const started = new Date();
  const outputs = [report, trace];
  const spool = openSpool(asked, outputs);
  const others = spoolsBeside(asked, outputs).filter((path) => path !== spool);
  let gathered: { steps: readonly Step[]; unread: number } = { steps: [], unread: 0 };

  const attempt = async (what: string, body: () => Promise<void> | void) => {
    try {
      await body();
    } catch (error) {
      asked.complain(`${what}: ${messageOf(error)}`);
    }
  };
  return {
    spool,
    others,
    collect: () =>
      attempt('what the ranks have left could not be read', async () => {
        if (spool === undefined) return;
        const { records, unread } = await readSpool(spool, pLimit(partsAtOnce));
        gathered = { steps: stepsOf(records), unread };
      }),
    finish: (launcher, { status, signal }) =>
      attempt('no report', async () => {
        const facts = {
          hwlocShare: (await readManifest()).version,
          job: asked.job,
          launcher,
          started: started.toISOString(),
          seconds: (Date.now() - started.getTime()) / 1000,
          exit: { status, signal: signal ?? null },
        };
        const document = reportOf(facts, gathered.steps, gathered.unread);
        const write = (output: Output, pieces: Iterable<string>) => writeOutput(output, asked.job, pieces);
        if (report !== undefined) {
          await attempt(`the report was not written to ${report.path}`, () =>
            write(report, [`${JSON.stringify(document, undefined, 2)}\n`]),
          );
        }
        if (trace !== undefined) {
          await attempt(`the trace was not written to ${trace.path}`, () =>
            write(trace, traceOf(facts, gathered.steps)),
          );
        }
        if (asked.verbose) summaryOf(document).forEach(asked.complain);
        else document.notes.forEach(asked.complain);
        const used = [spool, ...[report, trace].map((output) => output && spoolBeside(output, asked.job))];
        for (const path of new Set(used)) if (path !== undefined) removeSpool(path);
      }),
  };
}

/**
 * Makes the spool next to the output file: other nodes find it there if they share that directory. Otherwise
 * on this node only, among its channels.
 */
function openSpool(
  { job, roots, complain }: Asked,
  outputs: readonly (Output | undefined)[],
): string | undefined {
  const beside = outputs.flatMap((output) => (output && spoolBeside(output, job)) ?? []);
  const among = roots.map((root) => ({ path: join(root, `${job}.spool`), root }));
  let last: unknown;
  for (const { path, root } of [...beside.map((path) => ({ path, root: undefined })), ...among]) {
    try {
      if (root !== undefined) openRoot(root);
      makeSpool(path);
      return path;
    } catch (error) {
      last = error;
    }
  }
  complain(
    `ranks have no place to tell how they joined: ${last instanceof Error ? last.message : String(last)}`,
  );
  return undefined;
}

/**
 * The spools of this host in the directories of the outputs. Other hosts' spools are left alone: their locks
 * may not be visible here.
 */
function spoolsBeside({ job }: Asked, outputs: readonly (Output | undefined)[]): string[] {
  const host = job.replace(/-\d+-\d+$/, '');
  const beside = outputs.flatMap((output) => (output && spoolBeside(output, job)) ?? []);
  const names = new RegExp(`^\\.hwloc-share-${host}-\\d+-\\d+$`);
  return [...new Set(beside.map((path) => dirname(path)))].flatMap((folder) => spoolsIn(folder, names));
}
