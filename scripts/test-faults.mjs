// npm run test:faults: the tests that break jobs on purpose. `-- --jobs N` runs N jobs with random faults (40 by default), `--seed S`
// those of a seed that failed, `--at-once N` so many at a time, `--slow` also what takes minutes, `--sysctl` also what sets something for
// the whole machine (as root, for seconds). Other arguments are vitest's.
import { parseArgs } from 'node:util';
import process from 'node:process';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from './node-packages.mjs';

const options = {
  jobs: { type: 'string' },
  seed: { type: 'string' },
  'at-once': { type: 'string' },
  slow: { type: 'boolean' },
  sysctl: { type: 'boolean' },
};
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const variables = {
  FAULTS_JOBS: values.jobs,
  FAULTS_SEED: values.seed,
  FAULTS_AT_ONCE: values['at-once'],
  FAULTS_SLOW: values.slow === true ? '1' : undefined,
  FAULTS_SYSCTL: values.sysctl === true ? '1' : undefined,
};
const set = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined));
// A long form is of the random jobs alone.
const files = values.jobs === undefined && values.seed === undefined ? 'test/faults' : 'test/faults/random';
const words = [
  join(projectRoot, 'scripts', 'test.mjs'),
  files,
  '--disable-console-intercept',
  ...positionals,
];
const child = spawn(process.execPath, words, { stdio: 'inherit', env: { ...process.env, ...set } });
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
