// Checks programs: which launchers are installed, in which version, and whether lstopo is installed.

import { execa } from 'execa';
import { environment } from '../../../environment/index.js';
import { executable, launcherCommands, launcherKinds, recognise } from '../../kinds/index.js';
import type { Distribution } from './distribution.js';
import type { Finding } from './finding.js';
import { limited, quickly } from './run-probe.js';

/** A launcher's program. Several names may lead to the same program. */
interface Program {
  readonly file: string;
  readonly commands: readonly string[];
}

/** One finding for each launcher's program in PATH; a single finding if there is none. */
export async function checkLaunchers(distribution: Distribution): Promise<readonly Finding[]> {
  const programs = programsIn(environment().PATH ?? '');
  if (programs.length > 0) return Promise.all(programs.map((program) => limited(() => describe(program))));
  const mend = distribution.install({ apt: 'openmpi-bin', dnf: 'openmpi', zypper: 'openmpi4' });
  return [
    {
      subject: 'launcher',
      level: 'warning',
      text: 'no launcher was found in PATH (mpirun, mpiexec, srun, …); the built-in one (local) works on one machine',
      ...(mend === undefined ? {} : { mend }),
    },
  ];
}

function programsIn(path: string): Program[] {
  const programs = new Map<string, string[]>();
  for (const name of launcherCommands()) {
    const file = executable(name, path);
    if (file === undefined) continue;
    const commands = programs.get(file) ?? [];
    programs.set(file, [...commands, name]);
  }
  return [...programs].map(([file, commands]) => ({ file, commands }));
}

/** What a program's --version prints, on both streams, as far as it gets if anything goes wrong. */
async function versionOf(command: string): Promise<string> {
  const { all } = await execa(command, ['--version'], {
    all: true,
    stdin: 'ignore',
    timeout: quickly * 1000,
    killSignal: 'SIGKILL',
    reject: false,
  });
  return all;
}

async function describe({ file, commands }: Program): Promise<Finding> {
  const subject = 'launcher';
  const [command = ''] = commands;
  // Called by its name, not by its file: some programs (Open MPI's) act according to the name.
  const printed = await versionOf(command);
  const kind = await recognise(launcherKinds, command, environment().PATH ?? '', () =>
    Promise.resolve(printed),
  );
  const version = versionIn(printed);
  const facts = { kind: kind?.name ?? null, version: version ?? null, file, commands };
  const called = `${commands.join(', ')} (${file})`;
  if (kind === undefined) {
    const text = `${called} is not a launcher that we know; its ranks share if they have the variables of one`;
    return { subject, level: 'warning', text, facts };
  }
  if (version === undefined) {
    const [said = 'nothing'] = printed.split('\n').filter((line) => line.trim() !== '');
    const text = `${kind.name}: ${called} does not tell its version, and so may not work; it says: ${said.trim()}`;
    return { subject, level: 'warning', text, facts };
  }
  return { subject, level: 'ok', text: `${kind.name} ${version}: ${called}`, facts };
}

/**
 * Finds the version in what a program's --version prints: `mpirun (Open MPI) 4.1.4`, `Version: 4.0.2`, `slurm
 * 22.05.8`, `Intel(R) MPI Library for Linux* OS, Version 2021.9 Build 20230307`.
 */
export function versionIn(printed: string): string | undefined {
  return /(?:version:?\s+|\)\s*|^\S+\s+|mvapich2-)v?(\d+(?:\.\d+)+[\w.-]*)/im.exec(printed)?.[1];
}

/** lstopo, which draws for `hwloc-share show --picture`. Sharing does not need it. */
export function checkPicture(distribution: Distribution): Finding {
  const subject = 'lstopo';
  const file = ['lstopo', 'lstopo-no-graphics']
    .map((name) => executable(name, environment().PATH ?? ''))
    .find((found) => found !== undefined);
  if (file !== undefined) return { subject, level: 'ok', text: `lstopo: ${file}`, facts: { file } };
  const mend = distribution.install({ apt: 'hwloc', dnf: 'hwloc-gui', zypper: 'hwloc' });
  return {
    subject,
    level: 'ok',
    text: 'lstopo is not installed; only show --picture needs it',
    ...(mend === undefined ? {} : { mend }),
    facts: { file: null },
  };
}
