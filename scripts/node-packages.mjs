// The npm packages of this project: installs them when node_modules is not what package-lock.json says.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

export const projectRoot = join(import.meta.dirname, '..');

/**
 * Runs `npm ci` (`npm install` where there is no lock file) when packages are missing or of another version.
 *
 * @throws {Error} npm failed; what it said is in the message.
 */
export function ensureNodeModules(root = projectRoot) {
  const stale = staleReason(root);
  if (stale === undefined) return;

  const verb = existsSync(join(root, 'package-lock.json')) ? 'ci' : 'install';
  process.stderr.write(`npm packages: ${stale}: npm ${verb}\n`);
  const [npm, ...start] = npmCommand();
  const { status, stdout, stderr, error } = spawnSync(npm, [...start, verb, '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: 15 * 60_000,
    maxBuffer: 1 << 28,
  });
  if (status === 0) return;
  throw new Error(`npm ${verb} failed\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`);
}

/**
 * Why npm has to run, or `undefined` when node_modules is complete.
 *
 * The contents are compared, not the times: a `git checkout` gives package-lock.json a new time without a new word, and
 * a copied or cached node_modules an old one.
 */
function staleReason(root) {
  const wanted = lockedPackages(join(root, 'package-lock.json'));
  if (wanted === undefined) return existsSync(join(root, 'node_modules')) ? undefined : 'not installed yet';
  const installed = lockedPackages(join(root, 'node_modules', '.package-lock.json'));
  if (installed === undefined) return 'not installed yet';

  for (const [path, { version, integrity, optional }] of Object.entries(wanted)) {
    if (path === '') continue; // this project itself
    const found = installed[path];
    // Optional packages are those for other systems (koffi has one per platform): npm left them out.
    if (found === undefined && optional === true) continue;
    if (found === undefined || !existsSync(join(root, path))) return `${path} is missing`;
    if (found.version !== version || found.integrity !== integrity) return `${path} is not ${version}`;
  }
  return undefined;
}

function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined; // not there, or torn by an interrupted npm: as good as not there
  }
}

/** npm as a command: the very one that runs us (npm_execpath), which may not be the first in PATH. */
function npmCommand() {
  const script = process.env.npm_execpath;
  return script?.endsWith('npm-cli.js') ? [process.execPath, script] : ['npm'];
}
