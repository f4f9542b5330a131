// npm run bench [-- options, names…]: sees to what is needed, builds, and runs the benchmarks from their sources, types stripped,
// in a temporary folder. The ranks of jobs import the built package, as users do.

import { spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { build } from '../scripts/build.mjs';
import { MissingPackagesError, ensurePackages, packagesFor } from '../scripts/debian.mjs';
import { ensureNodeModules, projectRoot } from '../scripts/node-packages.mjs';

const words = process.argv.slice(2);
// It measures nothing.
const onlyReads = words.some((word) => /^(--help|-h)$/.test(word));
if (!onlyReads && !words.includes('--no-install')) install();
if (!onlyReads && !words.includes('--no-build')) await build();

// Not above: it may have been missing until now.
const { default: ts } = await import('typescript');
const folder = mkdtempSync(join(tmpdir(), 'hwloc-share-bench-'));
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'));
for (const part of ['src', 'bench', 'test/support', 'test/launchers']) strip(part);
const main = join(folder, 'bench', 'main.js');
const child = spawn(process.execPath, ['--expose-gc', main, projectRoot, ...words], { stdio: 'inherit' });
// It removes what it has made, and we our folder after it. A terminal sends SIGINT to both of us.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + constants.signals[signal];
});

function install() {
  ensureNodeModules();
  try {
    ensurePackages(packagesFor('bench'), { why: 'npm run bench' });
  } catch (error) {
    if (!(error instanceof MissingPackagesError)) throw error;
    process.stderr.write(`${error.message}\nGoing on without; what needs them is left out.\n`);
  }
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
