// The wrapper: reads the command line, runs the launcher, and leaves no trace but its exit status.

import { execa } from 'execa';
import { type Request, UsageError, parseCommandLine } from './command-line.js';
import { clean, jobName, ownRoots, removeJob, variablesOf } from './job.js';
import { launcherKinds, recognise } from './kinds/index.js';
import { runLocal } from './local.js';
import { type Ending, run } from './run.js';
import { endBy } from './signals.js';

/** Runs the command. @param words  The command line, without the interpreter and the script. */
export async function main(words: readonly string[]): Promise<void> {
  let request: Request;
  try {
    request = await parseCommandLine(words);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(error.message);
    process.exitCode = 2;
    return;
  }
  switch (request.kind) {
    case 'print':
      process.stdout.write(`${request.text}\n`);
      return;
    case 'clean':
      for (const path of clean(ownRoots(request.options)))
        complain(`removed ${path}, left by a job that is dead`);
      return;
    case 'launch':
    case 'local':
      finish(request, await launch(request));
  }
}

type Launch = Extract<Request, { kind: 'launch' | 'local' }>;

async function launch(request: Launch): Promise<Ending> {
  const job = jobName();
  const roots = ownRoots(request.options);
  const env = variablesOf(job, request.options);
  clean(roots);
  try {
    if (request.kind === 'local') return await runLocal(request.job, env);
    const { command, args, options } = request;
    if (options.verbose === true) await introduce(command);
    return await run({ file: command, args, env, readsStdin: true });
  } finally {
    removeJob(job, roots);
  }
}

/** Says which launcher this is; only when asked, since it may take a process to find out. */
async function introduce(command: string): Promise<void> {
  const kind = await recognise(launcherKinds, command, async (file) => {
    const { stdout, stderr } = await execa(file, ['--version'], {
      reject: false,
      stdin: 'ignore',
      timeout: 5000,
    });
    return `${stdout}\n${stderr}`;
  });
  complain(`${command} is ${kind === undefined ? 'not known to us; trying it' : kind.name}`);
}

function finish(request: Launch, { status, signal, problem }: Ending): void {
  if (problem !== undefined) {
    complain(`${request.kind === 'local' ? request.job.program : request.command}: ${problem}`);
  }
  process.exitCode = status;
  if (signal !== undefined) endBy(signal);
}

function complain(text: string): void {
  process.stderr.write(`hwloc-share: ${text}\n`);
}
