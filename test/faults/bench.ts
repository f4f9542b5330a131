// The bench: runs one job with faults in it, and judges what became of the others and of the node.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../../src/rank/index.js';
import { type Job, runJob, startJob } from '../support/job.js';
import { leftovers, processesLeft, processesWith } from '../support/leftovers.js';
import { machineFile } from '../support/machine-file.js';
import { ownedMemoryFolder } from '../support/owner.js';
import { sendSignal } from '../support/processes.js';
import { wrapper } from '../support/wrapper.js';

/** What is done, at which point, in which rank, and to whom. @see kill-switch.mjs */
export interface Fault {
  rank: number;
  point: string;
  act: 'kill' | 'exit' | 'stop' | 'terminate' | 'interrupt' | 'take' | 'starve' | 'refuse' | 'cancel';
  to?: 'rank' | 'wrapper' | 'launcher';
}

/** A job with faults. */
export interface BrokenJob {
  faults: readonly Fault[];
  ranks?: number;
  /** HWLOC_SHARE_TIMEOUT, in seconds. With its default of 30, a test shows that nobody waits for it. */
  timeout?: number;
  /** Milliseconds that each rank comes late. */
  delays?: readonly number[];
  /** What becomes of a process that was stopped, when the others are through. */
  afterwards?: 'SIGKILL' | 'SIGCONT';
  env?: Record<string, string>;
  /** The words that start the ranks with a launcher other than the built-in one. */
  launcher?: (ranks: number, program: readonly string[]) => string[];
}

/** A machine whose topology takes 2.4 MB: more than the act `refuse` leaves room for. */
export const largeMachine = { HWLOC_SYNTHETIC: 'pack:4 core:128 pu:4' };

/** A fault that was done. */
export interface Done extends Fault {
  pid: number;
  at: number;
}

/** What a rank told. */
export interface Told {
  rank: number;
  started: number;
  joined: number;
  outcome: Outcome;
  tree: string;
  /** Of the shared data: its length, its first byte and its last one. */
  data?: [number, number, number];
  /** The most memory that it had, in kilobytes. */
  peak: number;
}

/**
 * What can be wrong with a job: it hangs; a survivor has no topology, or not that of the file; processes or files are left; the survivors
 * took too long; or somebody says on stderr what is neither ours nor the launcher's.
 */
export const wrongs = ['hung', 'topology', 'left', 'late', 'stderr'] as const;

export interface Wrong {
  readonly kind: (typeof wrongs)[number];
  readonly text: string;
}

/** What became of a job. */
export interface Verdict {
  /** Nothing should be. */
  wrong: Wrong[];
  done: Done[];
  told: Told[];
  stderr: string;
  exitCode: number | undefined;
  /** Milliseconds between the last death (or the last rank's coming, if that was later) and the last survivor's end of the join. */
  delay: number;
}

/** The survivors end the join within a second of a death; the machine that runs the tests may be busy, too. */
const withinMs = 1000;
/** How long ranks wait for one that does not come. */
const aWhileMs = 1000;
const jobLimitMs = 25_000;
const sweepableWithinMs = 8_000;

const killSwitch = join(import.meta.dirname, 'kill-switch.mjs');
const rank = join(import.meta.dirname, 'fixtures/rank.mjs');
const deadly: readonly Fault['act'][] = ['kill', 'exit', 'terminate', 'interrupt'];

/** So many jobs run at once, whoever asks: more of them would measure the machine, not us. */
const atOnce = Number(process.env.FAULTS_AT_ONCE ?? 3);
const waiting: (() => void)[] = [];
let running = 0;

/** Runs a job, as soon as it is its turn, and judges it. */
export async function runBroken(job: BrokenJob): Promise<Verdict> {
  if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  running++;
  const folder = mkdtempSync(ownedMemoryFolder);
  try {
    return await runIn(folder, job);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    running--;
    waiting.shift()?.();
  }
}

async function runIn(folder: string, job: BrokenJob): Promise<Verdict> {
  const { faults, ranks = 3, timeout = 30, delays = [], afterwards = 'SIGKILL', launcher } = job;
  const channels = mkdtempSync(join(folder, 'channels-'));
  const log = join(folder, 'log');
  const program = [process.execPath, '--import', killSwitch, rank];
  const words = launcher?.(ranks, program) ?? ['local', '-n', String(ranks), ...program];
  const running = startJob(wrapper(...words), {
    timeoutMs: jobLimitMs,
    env: {
      HWLOC_SHARE_DIR: channels,
      HWLOC_SHARE_TIMEOUT: String(timeout),
      FAULTS: JSON.stringify(faults),
      FAULTS_LOG: log,
      DELAYS: delays.join(','),
      ...(job.env?.HWLOC_SYNTHETIC === undefined && (await machineFile())),
      ...job.env,
    },
  });
  const wrong: Wrong[] = [];
  const survivors = survivorsOf(ranks, faults);

  if (faults.some(({ act }) => act === 'stop')) {
    // What the others tell goes through their launcher: if it is that which is stopped, they are through when they should be.
    const launcherStopped = () =>
      doneIn(log).some(({ to, at }) => to === 'launcher' && Date.now() - at > 1.5 * withinMs);
    const through = () =>
      survivors.every((each) => toldIn(running.output()).some((told) => told.rank === each)) ||
      launcherStopped();
    await resumeWhen(through, running, log, afterwards);
  }

  let stdout = '';
  let stderr = '';
  let exitCode: number | undefined;
  try {
    ({ stdout, stderr, exitCode } = await running.result);
  } catch (error) {
    wrong.push({ kind: 'hung', text: String(error) });
  }
  const done = doneIn(log);
  const told = toldIn(stdout);
  const dies = (act: Fault['act']) => act === 'kill' || (act === 'stop' && afterwards === 'SIGKILL');
  // Nobody is there then to remove what the others leave who are killed with it, or after it.
  const keeperDied = done.some(({ act, to }) => (to === 'wrapper' || to === 'launcher') && dies(act));
  wrong.push(...(await left(channels, running.marker, keeperDied)));
  const strange = strangeLine(stderr, launcher !== undefined);
  if (strange !== undefined) wrong.push({ kind: 'stderr', text: strange });
  wrong.push(...wrongTopologies(survivors, told, await ownTree(job.env?.HWLOC_SYNTHETIC)));
  const delay = delayOf(survivors, done, told);
  const stopped = done.filter(({ act, to = 'rank' }) => act === 'stop' && to === 'rank');
  // If nobody else was there yet, what the rank had said is lost with it: it counts as one that does not come.
  const unheard = done.some(({ act, point }) => act !== 'stop' && point === 'member:announced');
  const waits = stopped.length * timeout * 1000 + (unheard ? aWhileMs : 0);
  if (delay > waits + withinMs) wrong.push({ kind: 'late', text: `${delay} ms after the last fault` });
  return { wrong, done, told, stderr, exitCode, delay };
}

/** When the others are through, what was stopped goes on, or is killed; until the job has ended, for it may be stopped again. */
async function resumeWhen(
  through: () => boolean,
  job: Job,
  log: string,
  afterwards: NodeJS.Signals,
): Promise<void> {
  const ended = job.result.then(
    () => true,
    () => true,
  );
  const resumed = new Set<number>();
  while (!(await Promise.race([ended, sleep(20, false)]))) {
    if (!through()) continue;
    doneIn(log).forEach(({ act, pid }, index) => {
      if (act === 'stop' && !resumed.has(index)) sendSignal(pid, afterwards);
      resumed.add(index);
    });
  }
}

/** The ranks that must end the join: all but those to whom it is done themselves. */
function survivorsOf(ranks: number, faults: readonly Fault[]): number[] {
  const victims = new Set(
    faults
      .filter(({ act, to }) => (deadly.includes(act) || act === 'stop') && (to ?? 'rank') === 'rank')
      .map((fault) => fault.rank),
  );
  return [...Array(ranks).keys()].filter((each) => !victims.has(each));
}

async function left(channels: string, marker: string, keeperDied: boolean): Promise<Wrong[]> {
  const wrong: Wrong[] = [];
  const processes = await processesLeft(() => processesWith(marker));
  if (processes.length > 0) wrong.push({ kind: 'left', text: `processes: ${processes.join(' ')}` });
  // Slurm's step manager, whose life its ranks' channel depends on, may outlive them by seconds.
  const limit = performance.now() + sweepableWithinMs;
  while (keeperDied && leftovers([channels]).length > 0 && performance.now() < limit) {
    await runJob(wrapper('--dir', channels, 'clean'));
    await sleep(100);
  }
  const files = leftovers([channels]);
  if (files.length > 0) wrong.push({ kind: 'left', text: `files: ${files.join(' ')}` });
  return wrong;
}

/** A line on stderr that is not of ours; a real launcher tells in its own words what becomes of its ranks. */
function strangeLine(stderr: string, launcherMayTalk: boolean): string | undefined {
  if (launcherMayTalk) return undefined;
  return stderr.split('\n').find((line) => line !== '' && !line.startsWith('hwloc-share: '));
}

function wrongTopologies(survivors: readonly number[], told: readonly Told[], tree: string): Wrong[] {
  const texts = survivors.flatMap((each) => {
    const times = told.filter((one) => one.rank === each).length;
    return times === 1 ? [] : [`rank ${each} told ${times} times what it got`];
  });
  const others = told
    .filter((one) => one.tree !== tree)
    .map((one) => `rank ${one.rank} has another topology`);
  return [...texts, ...others].map((text) => ({ kind: 'topology', text }));
}

const references = new Map<string | undefined, Promise<string>>();

/** The topology that a rank has which is alone, and asks nobody: that of the file, or of a description. */
function ownTree(synthetic?: string): Promise<string> {
  const known = references.get(synthetic) ?? treeOfOne(synthetic);
  references.set(synthetic, known);
  return known;
}

async function treeOfOne(synthetic: string | undefined): Promise<string> {
  const env = synthetic === undefined ? await machineFile() : { HWLOC_SYNTHETIC: synthetic };
  const { stdout, stderr } = await runJob([process.execPath, rank], { env });
  const [alone] = toldIn(stdout);
  if (alone?.outcome.how !== 'discovered') throw new Error(`no topology to compare with: ${stderr}`);
  return alone.tree;
}

function delayOf(survivors: readonly number[], done: readonly Done[], told: readonly Told[]): number {
  const surviving = told.filter((one) => survivors.includes(one.rank));
  if (surviving.length === 0) return 0;
  const joined = Math.max(...surviving.map((one) => one.joined));
  return joined - Math.max(...surviving.map((one) => one.started), ...done.map(({ at }) => at));
}

/** What the ranks of a job told, by rank. */
export function toldIn(stdout: string): Told[] {
  const lines = stdout.split(/\r?\n/).filter((line) => line.startsWith('{') && line.endsWith('}'));
  return lines.map((line) => JSON.parse(line) as Told).sort((a, b) => a.rank - b.rank);
}

function doneIn(log: string): Done[] {
  try {
    const lines = readFileSync(log, 'utf8').split('\n');
    return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as Done);
  } catch {
    return [];
  }
}
