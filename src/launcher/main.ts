// The wrapper: reads the command line, runs the launcher, and exits with its status. Code that only some
// command lines need is imported on demand: each file takes a millisecond of every job's start.

import { Bystander } from './run/bystander.js';
import { type CommandRequest, type Request, parseCommandLine } from './command-line/command-line.js';
import type { Options } from './command-line/options.js';
import { commands } from './commands/index.js';
import { complain } from './stderr.js';
import { namesIn } from '../channel/place/index.js';
import { type Environment, environment, exactWords, hostName, settingsFrom } from '../environment/index.js';
import { UsageError } from './errors.js';
import { inheritedFiles } from './run/inherited.js';
import { environmentOf, jobName, ownRoots, unusableDirectory } from './job/job.js';
import type { OwnJob } from './job/owner.js';
import type { Reporting } from './report/index.js';
import { type Command, type Ending, type Running, starterFor } from './run/run.js';
import { endBy, relaySignals } from './run/signals.js';
import { stopWith } from './run/stops.js';
import type { XmlJob } from './job/xmlfile.js';

/** Runs the command. @param words  The command line, without the interpreter and the script. */
export async function main(words: readonly string[]): Promise<void> {
  const inherited = inheritedFiles();
  try {
    await fulfil(await parseCommandLine(exactWords(words)), inherited);
  } catch (error) {
    process.exitCode = error instanceof UsageError ? 2 : 1;
    if (isForUsers(error)) complain(wordsOf(error));
    else {
      const { describeFault } = await import('./manifest.js');
      complain(await describeFault(error));
    }
  }
}

/**
 * Whether an error is for the user. Errors that a user can cause have a code: ours, libhwloc's and the
 * system's. Node's codes that begin with ERR_ are faults of the program.
 */
function isForUsers(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^(?!ERR_)[A-Z]/.test(String(error.code));
}

/**
 * The message of an error. Node's message for a removed working directory only names one of Node's functions.
 */
function wordsOf(error: Error & { syscall?: string }): string {
  return error.syscall === 'uv_cwd'
    ? 'the working directory has been removed: change to another one'
    : error.message;
}

/** @throws Error  of a command, or of a file that must be written. A failed launcher is never an error. */
async function fulfil(request: Request, inherited: readonly number[]): Promise<void> {
  switch (request.kind) {
    case 'print':
      expectBrokenStdout();
      process.stdout.write(`${request.text}\n`);
      return;
    case 'command':
      process.exitCode = await runCommand(request);
      return;
    case 'launch':
    case 'local':
      await finish(request, await launch(request, inherited));
  }
}

async function runCommand({ name, ...call }: CommandRequest): Promise<number> {
  expectBrokenStdout();
  const command = await commands[name]?.();
  return (await command?.run({ ...call, roots: ownRoots(call.options), complain, commands })) ?? 1;
}

/** A closed stdout is not a failure (`hwloc-share show | head`); a full file system is. */
function expectBrokenStdout(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    complain(`cannot write to stdout: ${error.message}`);
    process.exit(1);
  });
}

type Launch = Extract<Request, { kind: 'launch' | 'local' }>;

async function launch(request: Launch, inherited: readonly number[]): Promise<Ending> {
  const { options } = request;
  const job = jobName();
  const unusable = unusableDirectory(options);
  if (unusable !== undefined) complain(unusable);
  const roots = ownRoots(options);
  const reporting = await reportingOf(options, job, roots);
  const env = environmentOf(job, request.kind, options, reporting?.spool);
  const releases: (() => void)[] = [];
  const whenOver = (release: () => void) => void releases.push(release);
  const { kind, start: startRequest } = await starterOf(request, env, { job, roots, whenOver, complain });

  // Done before the start, which may take a while for many ranks. Nothing is waited for until all of them
  // run.
  const pass = (signal: NodeJS.Signals) => {
    running.kill(signal);
  };
  const ownJob = {
    job,
    roots,
    key: kind === null ? undefined : `${job}@${hostName()}`,
    isScript: kind === null,
    spool: reporting?.spool,
    others: reporting?.others ?? [],
    complain,
  };
  // A launcher takes longer than this to start its first rank. The built-in launcher does not.
  const owning = request.kind === 'local' ? await own(ownJob) : undefined;
  const stopRelaying = relaySignals((signal) => bystander.hasHad(signal), pass);
  const running = startRequest(inherited);
  const bystander = new Bystander();
  if (running.pid !== undefined) stopWith(running.pid, bystander, pass);
  const owned = owning ?? (kind === null ? ownScript(ownJob, running.ending) : own(ownJob));
  const ending = await running.ending;
  await reporting?.collect();
  for (const release of releases) release();
  (await owned)?.release();
  await removeWhatIsLeft(ownJob);
  await reporting?.finish({ command: request.kind === 'local' ? 'local' : request.command, kind }, ending);
  stopRelaying();
  bystander.end();
  return ending;
}

/** A script takes longer than this to start a launcher. */
const scriptMilliseconds = 20;

/**
 * Owns the job of a command that is not a known launcher. A command that ends at once has no steps, so no
 * topology must be kept for it.
 */
async function ownScript(job: OwnJob, ending: Promise<Ending>): ReturnType<typeof own> {
  const later = new Promise<boolean>((resolve) => {
    setTimeout(resolve, scriptMilliseconds, false).unref();
  });
  const isOver = await Promise.race([ending.then(() => true), later]);
  return own(isOver ? { ...job, isScript: false } : job);
}

/** Owns the job's directories on this node; undefined if there are none, or if they cannot be locked. */
async function own(job: OwnJob): Promise<{ release(): void } | undefined> {
  if (job.key === undefined && !job.isScript && job.spool === undefined && !isAnyUsed(job.roots))
    return undefined;
  try {
    return (await import('./job/owner.js')).own(job);
  } catch {
    return undefined; // For example without koffi. The ranks do not need it.
  }
}

async function removeWhatIsLeft(job: OwnJob): Promise<void> {
  if (isAnyUsed(job.roots)) await (await import('./job/owner.js')).removeJob(job);
}

function isAnyUsed(roots: readonly string[]): boolean {
  return roots.some((root) => namesIn(root).length > 0);
}

/** @throws UsageError  a file cannot be written; nothing has been started yet. */
async function reportingOf(
  options: Options,
  job: string,
  roots: readonly string[],
): Promise<Reporting | undefined> {
  const { report, trace } = options;
  const verbose = options.verbose === true || settingsFrom(environment()).verbose;
  if (report === undefined && trace === undefined && !verbose) return undefined;
  const { openReport } = await import('./report/index.js');
  return openReport({ report, trace, verbose, job, roots, complain });
}

/** How to start the command, and its launcher kind, if known. */
interface Starter {
  readonly kind: string | null;
  readonly start: (inherited: readonly number[]) => Running;
}

async function starterOf(request: Launch, env: Environment, xmlJob: XmlJob): Promise<Starter> {
  const xml = request.options.xmlfile === true ? await import('./job/xmlfile.js') : undefined;
  if (request.kind === 'local') {
    const { job } = request;
    const { startLocal } = await import('./run/local.js');
    const ranksEnv = (await xml?.forLocal(env, xmlJob)) ?? env;
    const plain = await starterFor([job.program, ...job.args], ranksEnv);
    const labelled = job.label ? (await import('./run/label.js')).labelled(plain, complain) : undefined;
    const bind =
      job.bindTo === 'core' ? (await import('./run/cores.js')).bindToCores(job.ranks, complain) : undefined;
    const startRank = (rank: number, command: Command) => labelled?.(rank, command) ?? plain(command);
    const start = (rank: number, command: Command) =>
      bind?.(rank, () => startRank(rank, command)) ?? startRank(rank, command);
    return {
      kind: 'local',
      start: (inherited) => startLocal(job, start, { env: ranksEnv, inherited }),
    };
  }
  const { command, options } = request;
  const { toAllNodes } = await import('./job/pass-on.js');
  const { kind, args, env: passed } = await toAllNodes(request, env, xml?.forLauncher(xmlJob));
  if (options.verbose === true) complain(`${command} is ${kind ?? 'not known to us; trying it'}`);
  const start = await starterFor([command, ...args], passed);
  return {
    kind: kind ?? null,
    start: (inherited) => start({ file: command, args, readsStdin: true, env: passed, inherited }),
  };
}

async function finish(request: Launch, { status, signal, problem }: Ending): Promise<void> {
  if (problem !== undefined) {
    const command = request.kind === 'local' ? request.job.program : request.command;
    const { meantBy } = await import('./command-line/unknown-option.js');
    const meant =
      request.kind === 'launch' && status === 127
        ? meantBy(command, environment().PATH ?? '', Object.keys(commands))
        : undefined;
    complain(`${command}: ${problem}${meant === undefined ? '' : `; did you mean ${meant}?`}`);
  }
  process.exitCode = status;
  if (signal !== undefined) endBy(signal);
}
