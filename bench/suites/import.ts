// What a rank's import costs: files opened and looked for, and CPU; and import plus join beyond importing koffi itself.

import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findCommand } from '../../test/support/commands.js';
import type { Bench, Benchmark } from '../benchmark.js';
import { contender } from '../jobs/contenders.js';
import { interleave } from '../jobs/interleave.js';
import { membersOf } from '../jobs/measured.js';
import type { Run } from '../jobs/results.js';
import type { Product } from '../jobs/product.js';
import { runOnce } from '../jobs/run-once.js';
import { removeScratch, scratchFolder } from '../support/scratch.js';
import { type Summary, median, summarise } from '../support/statistics.js';
import { digits, table, time } from '../support/table.js';
import { type Files, beyond, filesIn } from './trace.js';

/** With few ranks, so that they do not take each other's caches and cores. */
const ranks = 2;
const joining = contender('share-local');
const koffiOnly = contender('koffi');
const importing = contender('import-local');

/** What was found; either is undefined if it was left out. */
export interface ImportCost {
  /** Beyond those of a Node that imports nothing, and those of that. */
  readonly files: (Files & { readonly bareRequests: number }) | undefined;
  readonly cpu: Cpu | undefined;
}

export const imports: Benchmark = {
  name: 'import',
  about:
    'a rank’s import: files (wanted: 8 at most, none in vain) and CPU; import + join (wanted: 5 ms beyond koffi at most)',
  weight: 2,
  async run(bench) {
    const files = filesOf(bench);
    if (files !== undefined) bench.say(showFiles(files));
    const cpu = await cpuOf(bench);
    if (cpu !== undefined) bench.say(showCpu(cpu));
    return { data: { files, cpu } satisfies ImportCost };
  },
};

/** Files that an import opens beyond those of Node. */
function filesOf({ setting, budget }: Bench): ImportCost['files'] {
  const strace = findCommand('strace');
  if (strace === undefined) {
    budget.leaveOut('files that an import opens: there is no strace here');
    return undefined;
  }
  const folder = scratchFolder();
  try {
    const program = join(folder, 'job.mjs');
    writeFileSync(join(folder, 'package.json'), '{}');
    const trace = (text: string) => {
      writeFileSync(program, text);
      const log = join(folder, 'strace');
      const words = ['-f', '-o', log, '-e', 'trace=file', process.execPath, program];
      const { status, stderr } = spawnSync(strace, words);
      if (status !== 0) throw new Error(`strace: ${stderr.toString().slice(-500)}`);
      return filesIn(readFileSync(log, 'utf8').replaceAll(folder, '…'));
    };
    install(setting.product, folder);
    const bare = trace('\n');
    return { ...beyond(trace("import 'hwloc-share/rank';\n"), bare), bareRequests: bare.requests };
  } finally {
    removeScratch(folder);
  }
}

/** As npm lays it out in a user's project. */
function install({ root }: Product, folder: string): void {
  const from = join(root, 'node_modules');
  for (const name of ['koffi', '@koromix']) {
    cpSync(join(from, name), join(folder, 'node_modules', name), { recursive: true });
  }
  const home = join(folder, 'node_modules/hwloc-share');
  cpSync(join(root, 'dist/bundle'), join(home, 'dist/bundle'), { recursive: true });
  cpSync(join(root, 'package.json'), join(home, 'package.json'));
}

function showFiles({ opened, missing, requests }: Files): string {
  const list = (files: readonly string[]) => files.map((path) => `    ${path}`);
  return [
    `  ${opened.length} files opened beyond those of Node, ${missing.length} looked for in vain, ${requests} requests that name a file`,
    ...list(opened),
    ...(missing.length > 0 ? ['  in vain:', ...list(missing)] : []),
  ].join('\n');
}

/** CPU of processes and of what they do, in ms. */
export interface Cpu {
  /** Of whole processes that import nothing, koffi, and hwloc-share/rank. */
  readonly bare: Summary;
  readonly koffi: Summary;
  readonly rank: Summary;
  /** Of whole ranks: a member that imports and joins; one that only imports; one that imports koffi instead. */
  readonly member: Summary;
  readonly importing: Summary;
  readonly koffiRank: Summary;
  /** Around the member's join() alone. */
  readonly join: Summary;
}

async function cpuOf({ setting, inputs, options, budget }: Bench): Promise<Cpu | undefined> {
  const input = inputs.find(options.inputs[0] ?? '192em64t') ?? inputs.find('512');
  if (input === undefined) throw new Error(`no machine is called ${options.inputs[0] ?? ''}`);
  const job = ({ name, about }: typeof joining) => ({
    name,
    about,
    run: (limit: number) => runOnce(setting, contender(name), { input, ranks }, limit),
  });
  const script = join(setting.product.bench, 'ranks/imports.mjs');
  const process_ = (name: string, ...modules: readonly string[]) => ({
    name,
    about: name,
    run: () => {
      const { stdout } = spawnSync(process.execPath, [script, ...modules], { encoding: 'utf8' });
      return Promise.resolve(Number(stdout) / 1000);
    },
  });
  const outcomes = await interleave<Run | number>(
    'import',
    [
      process_('bare'),
      process_('koffi alone', 'koffi'),
      process_('rank alone', setting.product.module('rank')),
      job(joining),
      job(importing),
      job(koffiOnly),
    ],
    options.runs * 2,
    budget,
  );
  if (outcomes === undefined) return undefined;
  const numbers = (name: string) =>
    summarise((outcomes.get(name)?.results ?? []).filter((each) => typeof each === 'number'));
  const members = (name: string, of: 'cpuAll' | 'cpuJoin') => {
    const runs = (outcomes.get(name)?.results ?? []).filter((each) => typeof each !== 'number');
    return summarise(runs.map((run) => median(membersOf(run).map((rank) => rank[of] / 1000))));
  };
  return {
    bare: numbers('bare'),
    koffi: numbers('koffi alone'),
    rank: numbers('rank alone'),
    member: members(joining.name, 'cpuAll'),
    importing: members(importing.name, 'cpuAll'),
    koffiRank: members(koffiOnly.name, 'cpuAll'),
    join: members(joining.name, 'cpuJoin'),
  };
}

function showCpu({ bare, koffi, rank, member, importing, koffiRank, join }: Cpu): string {
  const row = (name: string, each: Summary, from: Summary) => [
    name,
    digits(each.median / from.median),
    time(each.median),
    `${digits(each.low)}–${digits(each.high)}`,
    time(each.median - from.median),
  ];
  return [
    table([
      ['CPU of', '÷ base', 'median', 'quartiles', 'beyond base'],
      row('a process that imports nothing (base)', bare, bare),
      row('… koffi', koffi, bare),
      row('… hwloc-share/rank', rank, bare),
      row('a rank that imports koffi and waits (base)', koffiRank, koffiRank),
      row('… hwloc-share/rank and waits', importing, koffiRank),
      row('… and joins, as a member', member, koffiRank),
    ]),
    `  join() itself, in a member: ${time(join.median)} (${digits(join.low)}–${digits(join.high)} ms)`,
  ].join('\n');
}
