// What differs between versions of the MPI launchers: how they are told things, and what they cannot do by themselves.
import { spawnSync } from 'node:child_process';
import type { TestContext } from 'vitest';
import { findCommand } from '../support/commands.js';
import { runJob } from '../support/job.js';
import { type LauncherName, launcherCommands, launcherPrograms } from '../support/jobs.js';

export type MpiName = Exclude<LauncherName, 'slurm'>;

/**
 * Options of mpirun.openmpi: its daemons talk over a network interface, and an agent starts them on other hosts, as ssh would. Without an
 * agent, mpirun starts them as it does by itself.
 */
export function daemonsOver(network: string, agent?: string): string[] {
  // From version 5 on, the daemons are those of PRRTE.
  const isPrrte = openmpiVersion() >= 5;
  const option = isPrrte ? '--prtemca' : '--mca';
  const talk = [option, isPrrte ? 'prte_if_include' : 'oob_tcp_if_include', network];
  const component = isPrrte ? 'ssh' : 'rsh';
  const start =
    agent === undefined ? [] : [option, 'plm', component, option, `plm_${component}_agent`, agent];
  return [...talk, ...start];
}

/** The major version of the installed Open MPI. */
export function openmpiVersion(): number {
  const command = findCommand(launcherPrograms.openmpi[0]) ?? launcherPrograms.openmpi[0];
  const { stdout } = spawnSync(command, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  const [, major] = /\((?:Open MPI|OpenRTE)\) (\d+)\./.exec(stdout) ?? [];
  if (major === undefined) throw new Error(`${command} does not tell its version: ${stdout}`);
  return Number(major);
}

const trials = new Map<MpiName, Promise<string | undefined>>();

/**
 * Why the installed launcher cannot run two programs as one job (`-n 1 a : -n 1 b`): it is tried without the wrapper. Debian 13's mpirun
 * (Open MPI 5.0.7) crashes.
 *
 * @returns undefined where it can.
 */
export function whyNotTwoPrograms(name: MpiName): Promise<string | undefined> {
  const known = trials.get(name);
  if (known !== undefined) return known;
  const trial = tryTwoPrograms(name);
  trials.set(name, trial);
  return trial;
}

async function tryTwoPrograms(name: MpiName): Promise<string | undefined> {
  const { exitCode, signal, stderr } = await runJob([
    ...launcherCommands[name](1, ['true']),
    ':',
    '-n',
    '1',
    'true',
  ]);
  if (exitCode === 0) return undefined;
  const end = signal ?? `status ${exitCode ?? '?'}`;
  return `${launcherPrograms[name][0]} itself cannot run two programs: ${end} ${stderr.trim().slice(0, 200)}`.trim();
}

/** Skips a test of two programs in one job, and says why, where the launcher itself cannot run them. */
export async function needsTwoPrograms(name: MpiName, { skip }: Pick<TestContext, 'skip'>): Promise<void> {
  const reason = await whyNotTwoPrograms(name);
  if (reason !== undefined) skip(reason);
}
