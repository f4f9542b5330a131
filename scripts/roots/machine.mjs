// What a root takes over from this machine: where its packages come from, how apt and npm get there, and the certificates.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { parseEnv } from 'node:util';

/** The code name of this machine's Debian release; `undefined` elsewhere. */
export function machineRelease() {
  const words = parseEnv(readFileSync('/etc/os-release', 'utf8'));
  return words.ID === 'debian' ? words.VERSION_CODENAME : undefined;
}

/**
 * The mirror from which this machine takes the packages of its own release.
 *
 * @throws {Error} apt has none.
 */
export function debianMirror() {
  // apt itself reads its sources, in whichever of its formats they are.
  const lines = printed('apt-get', [
    'indextargets',
    '--format',
    '$(REPO_URI) $(RELEASE) $(COMPONENT)',
    'Created-By: Packages',
  ]).split('\n');
  const release = machineRelease();
  const found = lines
    .map((line) => line.split(' '))
    .find((words) => words[1] === release && words[2] === 'main');
  if (found === undefined) throw new Error(`apt has no source for Debian's own packages (${release} main)`);
  return found[0];
}

/** How this machine's apt gets at its sources (proxies, certificates, dates), as text for apt.conf. */
export function aptSettings() {
  const wanted = /^Acquire::(https?|Check-[\w-]+|Retries)\b/;
  const lines = printed('apt-config', ['dump'])
    .split('\n')
    .filter((line) => wanted.test(line) && !line.includes('Auto-Detect') && !line.endsWith(' "";'));
  // A mirror may lag, and sid's lists are good for a week only.
  return [...lines, 'Acquire::Check-Valid-Until "false";', ''].join('\n');
}

/** The variables by which programs find a proxy and certificates, as far as this machine has them. */
export function networkVariables() {
  const names = /^(https?_proxy|no_proxy|all_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => names.test(name)));
}

/** Copies into a root what it needs to reach the same hosts as this machine. A copy of a root only: some of it may be secret. */
export function copySettings(root) {
  const variables = networkVariables();
  const cafile = npmSetting('cafile');
  const files = [
    '/etc/hosts',
    '/etc/resolv.conf',
    '/etc/ssl/certs/ca-certificates.crt',
    variables.NODE_EXTRA_CA_CERTS,
    variables.SSL_CERT_FILE,
    cafile,
  ];
  for (const file of new Set(files)) {
    if (file === undefined || !existsSync(file)) continue;
    mkdirSync(join(root, dirname(file)), { recursive: true });
    copyFileSync(file, join(root, file));
  }
  const npmrc = [npmSetting('globalconfig'), npmSetting('userconfig')]
    .filter((file) => file !== undefined && existsSync(file))
    .map((file) => readFileSync(file, 'utf8'));
  writeFileSync(join(root, 'root/.npmrc'), npmrc.join('\n'), { mode: 0o600 });
}

function npmSetting(name) {
  const value = printed('npm', ['config', 'get', name]).trim();
  return ['', 'null', 'undefined'].includes(value) ? undefined : value;
}

function printed(command, words) {
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new Error(`${command} failed: ${error?.message ?? stderr.trim()}`);
  return stdout;
}
