#!/usr/bin/env node
// scripts/roots/shell DIR [COMMAND...]: a shell, or a command, on the machine that `npm run test:roots -- --keep` has left.
import process from 'node:process';
import { startInRoot } from './enter.mjs';

const [root, ...command] = process.argv.slice(2);
const child = startInRoot(root, command.length === 0 ? ['bash', '-l'] : command, {
  cwd: '/root/hwloc-share',
  env: { TERM: process.env.TERM ?? 'dumb' },
  stdio: 'inherit',
});
child.on('exit', (code) => (process.exitCode = code ?? 1));
