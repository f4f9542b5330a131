// The manual of each command, as plain data. Help, man page and shell completion use it.

import type { CommandTable, Manual } from '../commands/command.js';
import { type OptionTable, localOptions, namesOf, ownOptions } from '../command-line/options.js';

const wrapper: Manual = {
  name: 'hwloc-share',
  summary: 'one hardware topology for all ranks of a node',
  synopsis: [
    '<launcher> [its arguments...]',
    'local -n N [its options...] program [its arguments...]',
    '<command> [its options...]',
  ],
  description: [
    'Gives all ranks of a node one hardware topology: one rank discovers it, the others map the same read-only memory. ' +
      'Put it in front of mpirun, mpiexec, srun or another launcher, or use the built-in one (local).',
    "In each rank: import { join } from 'hwloc-share/rank'.",
  ],
  options: ownOptions,
  statuses: [
    { status: 2, meaning: 'the command line is wrong' },
    { status: 126, meaning: 'the launcher cannot be run' },
    { status: 127, meaning: 'there is no such launcher' },
    { status: 'any other', meaning: 'the status of the launcher; 128 + n if signal n ended it' },
  ],
  examples: [
    { command: 'hwloc-share mpirun -n 64 node job.mjs', meaning: 'under Open MPI or MPICH' },
    { command: 'hwloc-share srun -N 4 node job.mjs', meaning: 'under Slurm, on four nodes' },
  ],
};

const local: Manual = {
  name: 'local',
  summary: 'run N processes of a program on this machine, without MPI',
  synopsis: ['local -n N [its options...] program [its arguments...]'],
  description: [
    'Runs N processes of a program on this machine, without MPI. If a rank dies, the others go on.',
    '--bind-to core binds rank 0 to the first core that this process may use, rank 1 to the second, and so on. If there are more ' +
      'ranks than cores, it begins again with the first core.',
  ],
  options: localOptions,
  statuses: [
    { status: 2, meaning: 'the command line is wrong' },
    {
      status: 'any other',
      meaning: 'the highest status of all ranks; 128 + n for a rank that signal n killed',
    },
  ],
  examples: [
    { command: 'hwloc-share local -n 4 node job.mjs', meaning: 'four ranks' },
    {
      command: 'hwloc-share local -n 4 --bind-to core --label node job.mjs',
      meaning: 'each on a core of its own; each line says which rank wrote it',
    },
  ],
};

/** The wrapper, the built-in launcher, then the commands. */
export async function manuals(commands: CommandTable): Promise<readonly Manual[]> {
  return [wrapper, local, ...(await Promise.all(Object.values(commands).map((load) => load())))];
}

/** What `--help` prints. @param name  As in {@link Manual}. */
export async function helpOf(name: string, commands: CommandTable): Promise<string> {
  const all = await manuals(commands);
  const manual = all.find((each) => each.name === name) ?? wrapper;
  const parts = [usage(manual), manual.description.map((text) => wrapped(text)).join('\n')];
  if (manual === wrapper) {
    const rows = all.slice(1).map((each) => [each.name, each.summary] as const);
    parts.push(`Commands (each has its own --help):\n${columns(rows)}`);
  }
  parts.push(`Options:\n${columns(optionRows(manual.options))}`);
  parts.push(`Exit status:\n${columns(manual.statuses.map((each) => [String(each.status), each.meaning]))}`);
  parts.push(`Examples:\n${columns(manual.examples.map((each) => [each.command, each.meaning]))}`);
  return parts.join('\n\n');
}

function usage({ synopsis }: Manual): string {
  return synopsis
    .map((form, i) => `${i === 0 ? 'Usage:' : '      '} hwloc-share [options] ${form}`)
    .join('\n');
}

function optionRows(table: OptionTable): (readonly [string, string])[] {
  return Object.entries(table).map(([name, option]) => {
    const names = namesOf(name, option).join(', ');
    return [option.value === undefined ? names : `${names} ${option.value}`, option.describe];
  });
}

/** The width of the help. A narrower terminal wraps its lines again. */
const widest = 100;

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => wrapped(`${left.padEnd(width)}  ${right}`, width + 4, '  ')).join('\n');
}

/** Wraps text: the first line after `lead`, the others after `indent` spaces. */
function wrapped(text: string, indent = 0, lead = ''): string {
  const lines: string[] = [];
  let rest = lead + text;
  while (rest.length > widest) {
    const space = rest.lastIndexOf(' ', widest);
    if (space <= indent) break;
    lines.push(rest.slice(0, space));
    rest = ' '.repeat(indent) + rest.slice(space + 1);
  }
  return [...lines, rest].join('\n');
}
