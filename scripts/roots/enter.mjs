// Runs a command in a root as on a machine of its own, with its own mounts; the network and the process table are this machine's.
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
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
  return `a minimal root needs mounts of its own, which this machine refuses: ${reason}`;
}

const namespaces = ['--mount', '--propagation', 'private'];

/**
 * Starts a command in a root. What it leaves running ends with it.
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

/** Ends a command that was started in a root, and all that runs there. */
export function endInRoot(child) {
  const mounts = namespaceOf(child.pid);
  if (mounts === undefined || mounts === namespaceOf(process.pid)) child.kill('SIGKILL');
  else for (const pid of readdirSync('/proc')) if (namespaceOf(pid) === mounts) kill(Number(pid));
}

function namespaceOf(pid) {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined; // no process, or it has ended
  }
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
