// Runs a command in a root as on a machine of its own: its own /proc, /dev/shm and processes; the network is the machine's.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { networkVariables } from './machine.mjs';

const script = join(import.meta.dirname, 'enter.sh');

/** Why roots cannot be entered here, as one line; `undefined` where they can. */
export function whyNotEnter() {
  if (process.getuid() !== 0) return 'minimal roots take root: run it as root';
  const { status, stderr, error } = spawnSync('unshare', [...namespaces, 'true'], { encoding: 'utf8' });
  if (status === 0) return undefined;
  return `minimal roots take namespaces of their own, which this machine refuses: ${(error?.message ?? stderr).trim()}`;
}

const namespaces = ['--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child'];

/**
 * Starts a command in a root. All that it leaves running ends with it.
 *
 * @returns {import('node:child_process').ChildProcess} stdout and stderr are pipes.
 */
export function startInRoot(
  root,
  command,
  { cwd = '/root', env = {}, stdio = ['ignore', 'pipe', 'pipe'] } = {},
) {
  return spawn('unshare', [...namespaces, 'bash', script, root, cwd, ...command], {
    stdio,
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      USER: 'root',
      LOGNAME: 'root',
      ...networkVariables(),
      ...env,
    },
  });
}
