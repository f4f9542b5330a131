// Runs a job for a test: always ends, and takes everything it started with it when its time is over.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { boundToUs, findCommand } from './commands.js';
import { ownerEnvironment, sweepOnce } from './owner.js';
import { processesWith, sendSignal } from './processes.js';

/**
 * What launchers say of themselves on a busy machine: srun where the job before is still being tidied up on its node, or another is started
 * at the same time; Open MPI's mpirun where the ssh that it started is faster than itself.
 */
const ofTheLauncher =
  /^(srun: job \d+ (queued and waiting for|has been allocated) resources|\[\S+\] plm:[rs]sh: Warning: setpgid\(.*)\n/gm;

export interface JobOptions {
  /** Added to this process's environment; `undefined` takes a variable out. */
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** What the job reads; nothing (/dev/null) by default. */
  stdin?: string;
  /** What the bytes of the result's streams are read as: UTF-8, or as they are, each a character. */
  encoding?: 'utf8' | 'latin1';
  /** Below vitest's own 30 s by default, so that it is the job's error that is seen. */
  timeoutMs?: number;
  /** Ends the job as if its time were over. */
  signal?: AbortSignal;
}

export interface JobResult {
  stdout: string;
  /** Without what launchers say of themselves. */
  stderr: string;
  exitCode: number | undefined;
  signal: string | undefined;
  durationMs: number;
  /** `processesWith(marker)` finds what is left of the job. */
  marker: string;
}

export interface Job {
  /** The pid of the first process, which leads a process group and a session of its own. */
  pid: number;
  marker: string;
  /** Rejects only where the job's time was over, or `signal` was aborted; any exit status is a result. */
  result: Promise<JobResult>;
  /** What it has written so far, both streams together. */
  output(): string;
  /** Resolves when the output matches, and rejects when the job ends or the time is over without. */
  printed(pattern: RegExp, withinMs?: number): Promise<void>;
}

// A job of a test is in no other job, even if the tests run inside an allocation.
const identityVariables = /^(SLURM|PMI|PMIX|PALS|FLUX|MPI_LOCAL|OMPI_COMM_WORLD)_?/;

/** Starts a job and waits for its end; again, at most three times, where MPICH's mpirun has come upon its own race. */
export async function runJob(command: readonly string[], options: JobOptions = {}): Promise<JobResult> {
  for (let again = 3; ; again -= 1) {
    const result = await startJob(command, options).result;
    if (again === 0 || !isHydrasRace(command, result)) return result;
  }
}

/**
 * Hydra's mpiexec tells the first rank's proxy that stdin has ended; if all ranks have ended before, the proxy has gone, and SIGPIPE takes
 * mpiexec: once in 900 runs of `mpirun.mpich -n 3 sh -c 'echo told'` of MPICH 4.0.2 on busy cores, without the wrapper. The wrapper
 * itself cannot die of that signal, which Node ignores: it only passes on what became of its launcher.
 */
function isHydrasRace(command: readonly string[], { exitCode, signal }: JobResult): boolean {
  return command.join(' ').includes('mpirun.mpich') && (signal === 'SIGPIPE' || exitCode === 128 + 13);
}

/** Starts a job, for a test that does something to it (`process.kill(job.pid, …)`) before its end. */
export function startJob(command: readonly string[], options: JobOptions = {}): Job {
  const { env = {}, cwd, stdin, encoding = 'utf8', timeoutMs = 25_000, signal } = options;
  const [name = '', ...rest] = command;
  const file = findCommand(name, env.PATH);
  if (file === undefined) throw new Error(`no such command: ${command.join(' ')}`);

  sweepOnce();
  const marker = randomUUID();
  const started = performance.now();
  const child = execa(...boundToUs(file, rest), {
    env: { ...outerEnvironment(), ...env, ...ownerEnvironment, TEST_JOB_MARKER: marker },
    extendEnv: false,
    ...(cwd === undefined ? {} : { cwd }),
    ...(stdin === undefined ? { stdin: 'ignore' } : { input: stdin }),
    encoding,
    detached: true,
    reject: false,
    stripFinalNewline: false,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`setpriv (util-linux) did not start: ${command.join(' ')}`);

  let written = '';
  for (const stream of [child.stdout, child.stderr]) {
    const decoder = new TextDecoder();
    stream.on('data', (chunk: Buffer) => (written += decoder.decode(chunk, { stream: true })));
  }

  const ended = child.then(({ stdout, stderr, exitCode, signal: by }): JobResult => {
    return {
      stdout,
      stderr: stderr.replace(ofTheLauncher, ''),
      exitCode,
      signal: by,
      durationMs: performance.now() - started,
      marker,
    };
  });
  const result = within(ended, timeoutMs, signal, async (reason) => {
    const killed = await killAll(pid, marker);
    // Nobody holds the pipes any more, or nobody of ours.
    await Promise.race([ended, sleep(1000)]);
    return new Error(
      `${reason}: ${command.join(' ')}\nkilled: ${killed.join(' ')}\noutput so far:\n${written.slice(-8000)}`,
    );
  });
  result.catch(() => undefined); // a test may fail before it looks at the result

  return {
    pid,
    marker,
    result,
    output: () => written,
    printed: (pattern, withinMs = 10_000) => untilPrinted(pattern, () => written, ended, withinMs),
  };
}

function outerEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !identityVariables.test(name)));
}

async function within<T>(
  work: Promise<T>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  giveUp: (reason: string) => Promise<Error>,
): Promise<T> {
  const settled = new AbortController();
  const limit = new Promise<string>((resolve) => {
    const aborted = (): void => {
      resolve('aborted');
    };
    const timer = setTimeout(resolve, timeoutMs, `not ended after ${timeoutMs} ms`);
    settled.signal.addEventListener('abort', () => {
      clearTimeout(timer);
    });
    signal?.addEventListener('abort', aborted, { signal: settled.signal });
    if (signal?.aborted === true) aborted();
  });
  try {
    const first = await Promise.race([work.then((value) => ({ value })), limit]);
    if (typeof first === 'string') throw await giveUp(first);
    return first.value;
  } finally {
    settled.abort();
  }
}

/** The group, and whoever left it (Open MPI's and Slurm's ranks have their own), until nobody is found any more. */
async function killAll(pid: number, marker: string): Promise<number[]> {
  const killed = new Set<number>();
  for (let round = 0; round < 50; round += 1) {
    const found = processesWith(marker);
    if (round > 0 && found.length === 0) break;
    sendSignal(-pid, 'SIGKILL');
    for (const one of found) {
      killed.add(one);
      sendSignal(one, 'SIGKILL');
    }
    await sleep(20);
  }
  return [...killed];
}

async function untilPrinted(
  pattern: RegExp,
  output: () => string,
  ended: Promise<unknown>,
  withinMs: number,
): Promise<void> {
  const limit = performance.now() + withinMs;
  const over = ended.then(() => 'the job ended without');
  let end: string | undefined;
  // Once more after the end: the last words may come with it.
  while (!pattern.test(output())) {
    if (end !== undefined) throw new Error(`${end} printing ${String(pattern)}:\n${output().slice(-8000)}`);
    end = await Promise.race([over, sleep(10, undefined)]);
    if (performance.now() > limit) end = `${withinMs} ms went by without`;
  }
}
