// Runs a command in a root as on a machine of its own: its own /proc, /dev/shm and processes; the network is the machine's.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { networkVariables } from './machine.mjs';

const script = join(import.meta.dirname, 'enter.sh');

/** Why roots cannot be entered here, as one line; `undefined` where they can. */
export function whyNotEnter() {
  const mounting = [...namespaces, 'mount', '-t', 'proc', 'proc', '/proc'];
  const { status, stderr, error } = spawnSync('unshare', mounting, { encoding: 'utf8' });
  if (status === 0) return undefined;
  const reason = (error?.message ?? stderr).trim().replaceAll('\n', '; ');
  return `a minimal root needs namespaces of its own (mounts, processes), which this machine refuses: ${reason}`;
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
