// npm test: sets up what the tests need, builds, and runs vitest; further arguments are vitest's.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { build } from './build.mjs';
import { MissingPackagesError, ensurePackages, packagesFor } from './debian.mjs';
import { ensureNodeModules, projectRoot } from './node-packages.mjs';

try {
  ensureNodeModules();
  ensureTestPackages();
  await build();
  vitest(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

function ensureTestPackages() {
  try {
    ensurePackages(packagesFor('test'), { why: 'npm test' });
  } catch (error) {
    // On one's own machine the other tests are still worth running, and those skipped say what they miss.
    if (!(error instanceof MissingPackagesError) || process.env.CI === 'true') throw error;
    process.stderr.write(`${error.message}\nGoing on without; tests that need them are skipped.\n`);
  }
}

function vitest(args) {
  const entry = join(projectRoot, 'node_modules', 'vitest', 'vitest.mjs');
  const child = spawn(process.execPath, [entry, 'run', ...args], { cwd: projectRoot, stdio: 'inherit' });
  // A terminal sends SIGINT to vitest itself: we only must outlive it. The others may have been sent to us alone.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`npm test: vitest did not start: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
