// npm run bench [-- options, names…]: sees to what is needed, builds, and runs the benchmarks from their sources, types stripped,
// in a temporary folder. The ranks of jobs import the built package, as users do.

import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { build } from '../scripts/build.mjs';
import { MissingPackagesError, ensurePackages } from '../scripts/debian.mjs';
import { ensureNodeModules, projectRoot } from '../scripts/node-packages.mjs';

/** For the peers in C, and to count the files that an import opens. */
const packages = [
  'libhwloc15',
  'libhwloc-dev',
  'openmpi-bin',
  'libopenmpi-dev',
  'gcc',
  'libc6-dev',
  'strace',
];

const words = process.argv.slice(2);
ensureNodeModules();
try {
  ensurePackages(packages, { why: 'npm run bench' });
} catch (error) {
  if (!(error instanceof MissingPackagesError)) throw error;
  process.stderr.write(`${error.message}\nGoing on without; what needs them is left out.\n`);
}
if (!words.includes('--no-build')) build();

// Not above: it may have been missing until now.
const { default: ts } = await import('typescript');
const folder = mkdtempSync(join(tmpdir(), 'hwloc-share-bench-'));
try {
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'));
  for (const part of ['src', 'bench', 'test/support', 'test/launchers']) strip(part);
  const main = join(folder, 'bench', 'main.js');
  const { status } = spawnSync(process.execPath, ['--expose-gc', main, projectRoot, ...words], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}

function strip(part) {
  for (const name of readdirSync(join(projectRoot, part), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const { outputText } = ts.transpileModule(readFileSync(join(projectRoot, part, name), 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ES2022,
        verbatimModuleSyntax: true,
      },
    });
    const target = join(folder, part, name.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
}
