// `npm pack` and `npm publish` run this first, so that the package holds what the sources say. It writes nothing to stdout, which is npm's.
import process from 'node:process';
import { build } from './build.mjs';
import { ensureNodeModules } from './node-packages.mjs';

try {
  ensureNodeModules();
  await build();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
