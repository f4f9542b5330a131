// Debian packages: which are needed for what, which of them are missing, and their installation.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

const minutes = 60_000;

// Somebody else's apt (unattended-upgrades, say) may hold the lock for a while: wait for it rather than fail.
const aptGet = ['apt-get', '-o', 'DPkg::Lock::Timeout=120', '-q', '-y'];
const install = [...aptGet, 'install', '--no-install-recommends'];

/** Thrown where packages are missing and cannot be installed from here; `command` is what a person can run instead. */
export class MissingPackagesError extends Error {
  name = 'MissingPackagesError';

  constructor(packages, why, reason) {
    const command = `sudo apt-get install --no-install-recommends ${packages.join(' ')}`;
    super(`${why} needs ${listed(packages)}, but ${reason}. Run this, then try again:\n\n    ${command}\n`);
    this.packages = packages;
    this.command = command;
  }
}

/**
 * The packages that something needs. scripts/packages.json lists them all, with the programs, headers, libraries and files that
 * each is there for; test/packages.test.ts finds what is missing there.
 *
 * @param {'start' | 'test' | 'bench' | 'roots'} purpose
 */
export function packagesFor(purpose) {
  const list = JSON.parse(readFileSync(join(import.meta.dirname, 'packages.json'), 'utf8'));
  return Object.keys(list).filter((name) => list[name].for.includes(purpose));
}

/**
 * Makes sure that Debian packages are installed: as root, else through sudo where it asks for no password.
 *
 * @param {string[]} packages
 * @param {{ why: string }} options  Who wants them, as the subject of "needs" ("npm start", "the test suite").
 * @returns {string[]} The packages that were missing, and now are there.
 * @throws {MissingPackagesError} Some are missing and were not installed; the message holds the one command to run.
 */
export function ensurePackages(packages, { why }) {
  const missing = missingPackages(packages);
  if (missing === undefined) {
    throw new MissingPackagesError(
      packages,
      why,
      'there is no dpkg-query here. Elsewhere than on Debian the names differ',
    );
  }
  if (missing.length === 0) return [];

  const asRoot = rootPrefix();
  if (asRoot === undefined) {
    throw new MissingPackagesError(missing, why, 'installing takes root, or a sudo without a password');
  }
  process.stderr.write(`${why} needs ${listed(missing)}: installing\n`);
  // One package source that cannot be reached does not matter as long as the packages themselves are found.
  const updated = runQuietly([...asRoot, ...aptGet, 'update'], 5 * minutes);
  const installed = runQuietly([...asRoot, ...install, ...missing], 15 * minutes);
  // dpkg has the last word: apt-get may succeed and have done nothing, or fail over a package that we do not need.
  const left = missingPackages(missing) ?? missing;
  if (left.length > 0) {
    process.stderr.write(`${updated.failure ?? ''}${installed.failure ?? ''}`);
    throw new MissingPackagesError(left, why, 'apt-get failed (its output is above)');
  }
  return missing;
}

/** Those of the packages that are not fully installed; `undefined` where there is no dpkg to ask. */
function missingPackages(packages) {
  const query = ['-W', '-f=${Package} ${Status}\\n', ...packages];
  // Its exit status is 1 as soon as one package is unknown: the lines say more.
  const { error, stdout } = spawnSync('dpkg-query', query, { encoding: 'utf8', timeout: minutes });
  if (error !== undefined) return undefined;
  const lines = stdout.split('\n');
  return packages.filter((name) => !lines.includes(`${name} install ok installed`));
}

/** The words to put before a command to run it as root, and without questions; `undefined` where that is impossible. */
function rootPrefix() {
  const quiet = ['env', 'DEBIAN_FRONTEND=noninteractive'];
  if (process.getuid?.() === 0) return quiet;
  const { status } = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore', timeout: minutes });
  return status === 0 ? ['sudo', '-n', ...quiet] : undefined;
}

function runQuietly([command, ...rest], timeout) {
  // apt-get must not read what was meant for us, and its progress is of interest only if it fails.
  const options = { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8', timeout, maxBuffer: 1 << 28 };
  const { status, stdout, stderr, error } = spawnSync(command, rest, options);
  if (status === 0) return { failure: undefined };
  const words = [command, ...rest].join(' ');
  return {
    failure: `$ ${words}\n${stdout ?? ''}${stderr ?? ''}${error === undefined ? '' : `${error.message}\n`}`,
  };
}

function listed(packages) {
  return `the Debian ${packages.length === 1 ? 'package' : 'packages'} ${packages.join(', ')}`;
}
