// One run on a fresh machine: a copy of a root, a clean clone in it, npm start, npm test, and what came of each.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { projectRoot } from '../node-packages.mjs';
import { endInRoot, startInRoot } from './enter.mjs';
import { copySettings } from './machine.mjs';
import { copyRoot } from './make.mjs';
import { versionsIn } from './versions.mjs';

const limitMinutes = 60;

/** Who runs the tests: root, who installs what they need; or a user who may not, and whose tests are skipped where they need it. */
const testers = {
  root: { home: '/root', as: [], env: { CI: 'true' } },
  user: {
    home: '/home/user',
    as: ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups'],
    env: { HOME: '/home/user', USER: 'user', LOGNAME: 'user' },
  },
};

/** Runs that a signal would leave behind. */
const running = new Set();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    for (const end of running) end();
    process.exit(1);
  });
}

/**
 * Runs `npm start` and `npm test` of a clean clone in a copy of a root. Their output goes to stdout, each line behind the release's name.
 *
 * @param {readonly string[]} args  Further arguments of vitest.
 * @param {{ keep: boolean, tester: 'root' | 'user' }} options  `keep`: leave the copy there, and say how to enter it. `tester`: who runs
 *   the tests. (root runs `npm start` in any case: nothing works without libhwloc.)
 */
export async function runInRoot(release, root, args, { keep, tester }) {
  const { home, as, env } = testers[tester];
  const clone = join(home, 'hwloc-share');
  const copy = copyRoot(root, keep);
  const remove = keep ? () => {} : copy.remove;
  running.add(remove);
  try {
    copySettings(copy.root);
    cloneInto(join(copy.root, clone));
    copyMachines(join(copy.root, home));
    const started = await inCopy(copy.root, release, ['npm', 'start'], { cwd: clone });
    if (tester === 'user') giveTo(join(copy.root, home));
    // Both: vitest's own lines are for people, the file for the summary.
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${home}/results.json`];
    const test = [...as, 'npm', 'test', '--', ...reporters, ...args];
    const tested = await inCopy(copy.root, release, test, { cwd: clone, env });
    const results = join(copy.root, home, 'results.json');
    return {
      release,
      started,
      tested,
      results: existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : undefined,
      versions: versionsIn(copy.root),
    };
  } finally {
    running.delete(remove);
    remove();
    if (keep)
      process.stdout.write(`${release}: kept. Enter it by: node scripts/roots/shell.mjs ${copy.root}\n`);
  }
}

/** What is committed here, as somebody else would get it. */
function cloneInto(folder) {
  const { status, stderr } = spawnSync('git', ['clone', '-q', '--no-hardlinks', projectRoot, folder], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`git clone failed: ${stderr.trim()}`);
}

/** The recorded machines, which some tests look for beside the project. */
function copyMachines(folder) {
  const machines = 'shared/machines';
  const source = join(projectRoot, '..', machines);
  if (existsSync(source)) cpSync(source, join(folder, machines), { recursive: true, dereference: true });
}

/** Makes a folder the user's, with npm's settings in it. */
function giveTo(folder) {
  cpSync(join(folder, '../../root/.npmrc'), join(folder, '.npmrc'));
  spawnSync('chown', ['-R', '1000:1000', folder]);
}

/** @returns {Promise<{ status: number | string, minutes: number }>} */
async function inCopy(root, release, command, options) {
  const begun = performance.now();
  process.stdout.write(`${release}: $ ${command.join(' ')}\n`);
  const child = startInRoot(root, command, options);
  const end = () => endInRoot(child);
  running.add(end);
  const timer = setTimeout(end, limitMinutes * 60_000);
  for (const stream of [child.stdout, child.stderr]) {
    // Without colours, which vitest uses under CI: this goes into logs.
    createInterface({ input: stream }).on('line', (line) =>
      process.stdout.write(`${release}: ${stripVTControlCharacters(line)}\n`),
    );
  }
  const [code, signal] = await new Promise((resolve) => child.on('close', (...how) => resolve(how)));
  clearTimeout(timer);
  running.delete(end);
  return { status: code ?? signal, minutes: (performance.now() - begun) / 60_000 };
}
