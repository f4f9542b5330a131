// Makes minimal Debian roots with mmdebstrap, and keeps them: Node, npm, git, certificates, and nothing else.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { aptSettings, debianMirror } from './machine.mjs';

/** The releases that can be made, and from where each has its Node. bookworm's own is too old: 18. */
export const releases = {
  bookworm: { node: 'npm' },
  trixie: { node: 'debian' },
  sid: { node: 'debian' },
};

/** A root is made anew after a week: sid has moved on by then. */
const maximumAge = 7 * 24 * 3_600_000;

const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
const folder = process.env.HWLOC_SHARE_ROOTS || join(cache, 'hwloc-share/roots');

/**
 * A root of a release, as it was when it was made; made now if there is none.
 *
 * @param {boolean} anew  Make it in any case.
 * @throws {Error} mmdebstrap or npm failed; what it said is in the message.
 */
export function ensureRoot(release, anew) {
  const root = join(folder, release);
  if (!anew && existsSync(root) && Date.now() - statSync(join(root, 'made')).mtimeMs < maximumAge)
    return join(root, 'root');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  process.stdout.write(`${release}: making a minimal root in ${root}\n`);
  const fresh = passingFolder('new');
  try {
    makeRoot(release, fresh);
    writeFileSync(join(fresh, 'made'), '');
    rmSync(root, { recursive: true, force: true });
    renameSync(fresh, root);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return join(root, 'root');
}

/**
 * A copy of a root, for one run. It takes 5 s, and works where an overlay does not (in a container).
 *
 * @param {boolean} keep  No later run removes it.
 */
export function copyRoot(root, keep) {
  const copy = keep ? mkdtempSync(join(folder, 'kept-')) : passingFolder('run');
  const remove = () => rmSync(copy, { recursive: true, force: true });
  try {
    runCommand('cp', ['-a', '--reflink=auto', root, join(copy, 'root')]);
  } catch (error) {
    remove();
    throw error;
  }
  return { root: join(copy, 'root'), remove };
}

/** A folder that a later run removes if this one is killed: its name has our process id. */
function passingFolder(kind) {
  for (const name of readdirSync(folder)) {
    const pid = /^\.(?:new|run)-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    try {
      rmSync(join(folder, name), { recursive: true, force: true });
    } catch {
      // Somebody works in it, who was told how to enter it (--keep): a later run removes it.
    }
  }
  return mkdtempSync(join(folder, `.${kind}-${process.pid}-`));
}

function makeRoot(release, target) {
  const root = join(target, 'root');
  const settings = join(target, 'apt.conf');
  writeFileSync(settings, aptSettings());
  const own = releases[release].node === 'debian';
  const include = ['ca-certificates', 'git', ...(own ? ['nodejs', 'npm'] : ['libstdc++6'])];
  runCommand('mmdebstrap', [
    '--variant=minbase',
    `--aptopt=${settings}`,
    // Each run starts with a copy that is thrown away: nothing has to reach the disk.
    '--dpkgopt=force-unsafe-io',
    `--include=${include.join(',')}`,
    release,
    root,
    `deb ${debianMirror()} ${release} main`,
  ]);
  if (own) return;
  // Node as a package of npm, which is for any Debian: the machine's own may be linked with libraries of the machine.
  const node = `node-${process.platform}-${process.arch}@>=20.19 <21`;
  const flags = ['--no-audit', '--no-fund', '--loglevel=error'];
  runCommand('npm', ['install', '--global', '--prefix', join(root, 'usr/local'), ...flags, node, 'npm@10']);
}

function runCommand(command, words) {
  const options = {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    timeout: 20 * 60_000,
    maxBuffer: 1 << 28,
  };
  const { status, stdout, stderr, error } = spawnSync(command, words, options);
  if (status === 0) return;
  const said = `${stdout ?? ''}${stderr ?? ''}`.trimEnd().split('\n').slice(-20).join('\n');
  throw new Error(`${command} failed${error === undefined ? '' : ` (${error.message})`}:\n${said}`);
}
