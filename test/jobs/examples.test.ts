// The examples do what they say.
import { cpus } from 'node:os';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { CpuSet } from '../../src/hwloc/index.js';
import { launcher } from '../launchers/available.js';
import { launcherCommands } from '../support/jobs.js';
import { fixture, runSharedJob } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';

const example = (name: string) => [process.execPath, resolve(import.meta.dirname, '../../examples', name)];

test('the first job prints the place of each rank', async () => {
  const { stdout, stderr } = await runSharedJob(wrapper('local', '-n', '3', ...example('first-job.mjs')));
  const lines = stdout.trimEnd().split('\n').sort();
  expect(lines).toHaveLength(3);
  for (const [rank, line] of lines.entries()) {
    expect(line).toMatch(
      new RegExp(`^rank ${rank} of 3: number ${rank} of 3 on .* ${cpus().length} PUs \\(adopted\\)$`),
    );
  }
  expect(stderr).toBe('');
});

test('each rank is bound to a core, with all its threads, and runs there; as the kernel says, too', async () => {
  const ranks = Math.min(cpus().length, 4);
  // What the kernel says of each thread, when the rank ends.
  const asKernel =
    'import { readFileSync, readdirSync } from "node:fs"; process.on("exit", () => console.log("kernel " + ' +
    'readdirSync("/proc/self/task").map((tid) => /Cpus_allowed_list:\\s*(\\S+)/.exec(' +
    'readFileSync("/proc/self/task/" + tid + "/status", "utf8"))[1]).join(" ")));';
  const [node = '', ...rest] = example('bind.mjs');
  const program = [node, `--import=data:text/javascript,${encodeURIComponent(asKernel)}`, ...rest];
  const { stdout } = await runSharedJob(wrapper('local', '-n', String(ranks), ...program));
  const said = [
    ...stdout.matchAll(
      /^rank \d+ on .*: core L#(\d+), PUs (\S+); all threads bound to (\S+), this one running on (\S+)$/gm,
    ),
  ];
  expect(said).toHaveLength(ranks);
  const cores = new Map(said.map(([, core = '', pus = '']) => [core, pus]));
  // Where there are as many cores, each has its own.
  expect(new Set(cores.values()).size).toBe(cores.size);
  for (const [, core = '', pus = '', binding = '', location = ''] of said) {
    expect(cores.get(core)).toBe(pus);
    expect(binding).toBe(pus);
    expect(CpuSet.parseList(location).isSubsetOf(CpuSet.parseList(pus))).toBe(true);
  }
  const kernel = [...stdout.matchAll(/^kernel (.*)$/gm)].map(([, lists = '']) => [
    ...new Set(lists.split(' ')),
  ]);
  expect(kernel.every((lists) => lists.length === 1)).toBe(true);
  expect(kernel.flat().sort()).toEqual(said.map(([, , pus = '']) => pus).sort());
});

test('the table is made once, and each rank counts its part of the primes', async () => {
  const { stdout, stderr } = await runSharedJob(wrapper('local', '-n', '3', ...example('table.mjs')));
  const lines = stdout.trimEnd().split('\n').sort();
  const counts = lines.map((line) =>
    Number(/^rank \d on \S+: (\d+) primes among 66666\d\d numbers$/.exec(line)?.[1]),
  );
  expect(counts.reduce((a, b) => a + b)).toBe(1_270_607);
  expect(stderr).toBe('');
});

// aprun and PMIx tell a rank its number only. They cannot be installed here: see fixtures/as.sh.
launcher('openmpi').describe('under a launcher that does not tell how many ranks there are', () => {
  const run = (name: string) =>
    runSharedJob(launcherCommands.openmpi(3, ['sh', fixture('as.sh'), 'pmix', ...example(name)]));
  const linesOf = (stdout: string) => stdout.trimEnd().split(/\r?\n/).sort();

  test('the first job says so', async () => {
    const { stdout, stderr } = await run('first-job.mjs');
    for (const [rank, line] of linesOf(stdout).entries()) {
      expect(line).toMatch(
        new RegExp(`^rank ${rank} of an unknown number: number \\? of \\? on .* \\(adopted\\)$`),
      );
    }
    expect(stderr).toBe('');
  });

  test('the table is shared all the same, and each rank counts all of it', async () => {
    const { stdout, stderr } = await run('table.mjs');
    const all = ': 1270607 primes among 20000001 numbers (all: the launcher does not tell';
    expect(linesOf(stdout).map((line) => line.includes(all))).toEqual([true, true, true]);
    expect(stderr).toBe('');
  });

  test('each rank is bound to a core', async () => {
    const { stdout } = await run('bind.mjs');
    expect(linesOf(stdout).map((line) => /^rank \d on \S+: core L#\d+, PUs \S+; /.test(line))).toEqual([
      true,
      true,
      true,
    ]);
  });
});
