// `npm start`: installs what is missing, builds, and runs a first job on this machine, with a table of how it went.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensurePackages, packagesFor } from './debian.mjs';
import { ensureNodeModules, projectRoot } from './node-packages.mjs';

const ranks = 4;

try {
  ensureNodeModules();
  ensurePackages(packagesFor('start'), { why: 'npm start' });
  await build();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}

/** As big as the machine in README.md: 24 NUMA nodes, 192 cores, 384 PUs. */
const bigMachine = 'pack:8 numa:3 l3:1 core:8 pu:2';

const here = run('This machine', {});
const big = run('An imaginary machine', { HWLOC_SYNTHETIC: bigMachine });
process.exit(here && big ? 0 : 1);

/** Runs a job, and prints how each rank got its topology. @returns whether all ranks share one. */
function run(title, env) {
  const job = [join(projectRoot, 'dist/bundle/launcher/bin.cjs'), 'local', '-n', String(ranks)];
  const program = [process.execPath, join(projectRoot, 'scripts/start-job.mjs')];
  const variables = Object.entries(env).map(([name, value]) => `${name}='${value}' `);
  process.stdout.write(
    `\n${title}:\n\n  ${variables.join('')}hwloc-share local -n ${ranks} node scripts/start-job.mjs\n\n`,
  );
  const { stdout, status } = spawnSync(process.execPath, [...job, ...program], {
    env: { ...process.env, ...env },
    stdio: ['inherit', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) process.exit(status ?? 1);
  const reports = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .sort((a, b) => a.rank - b.rank);
  printTable(
    ['rank', 'topology', 'at address', 'bytes', 'discovered', 'join'],
    reports.map(({ rank, how, address, length, didDiscover, milliseconds }) => [
      String(rank),
      how,
      address === undefined ? '-' : `0x${address.toString(16)}`,
      length === undefined ? '-' : String(length),
      didDiscover ? 'yes' : 'no',
      `${milliseconds.toFixed(0)} ms`,
    ]),
  );
  const adopted = reports.filter(({ how }) => how === 'adopted');
  const discoveries = reports.filter(({ didDiscover }) => didDiscover).length;
  const saved = Math.max(adopted.length - 1, 0) * (adopted[0]?.length ?? 0);
  process.stdout.write(
    `\n  ${reports[0].machine}.\n` +
      `  ${discoveries} of ${ranks} ranks discovered it: ${ranks - discoveries} discoveries and ` +
      `${(saved / 1024).toFixed(0)} KiB of memory saved.\n`,
  );
  return adopted.length === ranks;
}

function printTable(head, rows) {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column].length)),
  );
  const line = (cells) =>
    `    ${cells.map((cell, column) => cell.padEnd(widths[column])).join('  ')}`.trimEnd();
  for (const row of [head, widths.map((width) => '-'.repeat(width)), ...rows])
    process.stdout.write(`${line(row)}\n`);
}
