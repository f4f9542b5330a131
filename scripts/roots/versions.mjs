// The versions of what the tests run with on a machine or in a root, as a row of README.md's table. As a command: this machine's.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseEnv } from 'node:util';

/** The packages whose versions count. Node may come from elsewhere than Debian, and stands last. */
const packages = { hwloc: 'libhwloc15', 'Open MPI': 'openmpi-bin', MPICH: 'mpich', Slurm: 'slurm-wlm' };

export const versionTitles = ['', ...Object.keys(packages), 'Node'];

/** The release, and the versions in the order of the titles; `-` for what is not installed. */
export function versionsIn(root) {
  const release = parseEnv(readFileSync(join(root, 'etc/os-release'), 'utf8')).PRETTY_NAME;
  return [
    release.replace('GNU/Linux ', ''),
    ...Object.values(packages).map((name) => versionOf(root, name)),
    nodeIn(root),
  ];
}

function versionOf(root, name) {
  // dpkg's own option --root would run a dpkg-query of that root.
  const query = [`--admindir=${join(root, 'var/lib/dpkg')}`, '-W', '-f=${db:Status-Abbrev}${Version}', name];
  const { stdout } = spawnSync('dpkg-query', query, { encoding: 'utf8' });
  return stdout.startsWith('ii ') ? upstream(stdout.slice(3)) : '-';
}

/** `1:2.9.0-1+b2` is upstream's 2.9.0, `4.3.0+really4.2.1-1` is its 4.2.1. */
function upstream(version) {
  return version
    .replace(/^\d+:/, '')
    .replace(/-[^-]*$/, '')
    .replace(/^.*\+really/, '')
    .replace(/[+~.]?(dfsg|ds).*$/, '')
    .replace('~', '');
}

function nodeIn(root) {
  if (root === '/') return process.versions.node;
  return spawnSync('chroot', [root, 'node', '--version'], { encoding: 'utf8' })
    .stdout.trim()
    .replace(/^v/, '');
}

/** A row of a table in Markdown. */
export function row(cells) {
  return `| ${cells.join(' | ')} |`;
}

if (process.argv[1] === import.meta.filename) process.stdout.write(`${row(versionsIn('/'))}\n`);
