// Hosts on one machine: namespaces with a network, hostname, IPC, /dev/shm and /tmp of their own. Root only.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findCommand } from '../support/commands.js';
import { leftovers } from '../support/leftovers.js';
import { ownedFolder, ownerEnvironment, sweepOnce } from '../support/owner.js';
import { allProcesses, processesLeft } from '../support/processes.js';

/** Several hosts, `h1` to `hN`. */
export interface Cluster {
  /** A folder that is the same on all hosts; removed by `stop()`. */
  folder: string;
  hosts: readonly string[];
  /** A command line that runs another one on a host. */
  on(host: string, command: readonly string[]): string[];
  /** A program that takes the place of ssh. */
  rsh: string;
  /** What of ours is in /dev/shm and /tmp of the hosts, as `host:path`. */
  leftovers(): string[];
  /** The processes that run on the hosts, beside those that have been there when {@link settle} was called last. */
  processes(): number[];
  /** Takes what runs now as what belongs to the hosts: their daemons. */
  settle(): void;
  /** Ends everything that runs on the hosts, at once, and removes the folder. */
  stop(): Promise<void>;
}

/** The programs that a cluster is made with, of util-linux and iproute2. */
export const clusterPrograms = ['unshare', 'nsenter', 'ip'] as const;

const scripts = join(import.meta.dirname, 'cluster');
const projectRoot = join(import.meta.dirname, '..', '..');
const startLimitMs = 20_000;

/** Starts a cluster. Rejects with what its init had to say if that does not work. */
export async function startCluster(count = 3): Promise<Cluster> {
  sweepOnce();
  const folder = mkdtempSync(ownedFolder);
  chmodSync(folder, 0o755);
  const hosts = Array.from({ length: count }, (_, i) => `h${i + 1}`);
  const names = hosts.map((host, i) => `10.66.0.${i + 1} ${host}\n`);
  writeFileSync(join(folder, 'hosts'), `127.0.0.1 localhost\n${names.join('')}`);
  writeFileSync(join(folder, 'shared'), `${folder}\n${projectRoot}\n`);
  const rsh = join(folder, 'rsh');
  writeFileSync(rsh, readFileSync(join(scripts, 'rsh.sh'), 'utf8').replaceAll('FOLDER', folder), {
    mode: 0o755,
  });

  const top = startInit(folder, count);
  let said = '';
  top.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const stop = async () => {
    const init = childOf(top.pid ?? 0);
    if (init !== undefined) process.kill(init, 'SIGKILL');
    else top.kill('SIGKILL');
    if (top.exitCode === null && top.signalCode === null)
      await new Promise((resolve) => top.once('exit', resolve));
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
  const limit = performance.now() + startLimitMs;
  while (!existsSync(join(folder, 'ready'))) {
    if (top.exitCode !== null || top.signalCode !== null || performance.now() > limit) {
      await stop();
      throw new Error(`the cluster did not start: ${said || 'no reason was given'}`);
    }
    await sleep(5);
  }
  return clusterOf({ folder, hosts, rsh, init: childOf(top.pid ?? 0) ?? 0, stop });
}

interface Parts {
  folder: string;
  hosts: readonly string[];
  rsh: string;
  /** The pid of the cluster's first process, as seen from here. */
  init: number;
  stop: () => Promise<void>;
}

function clusterOf({ folder, hosts, rsh, init, stop }: Parts): Cluster {
  const namespace = readlinkSync(`/proc/${init}/ns/pid`);
  const pids = new Map(childrenOf(init).flatMap((pid) => hostOf(pid, hosts)));
  const pidOf = (host: string) => {
    const pid = pids.get(host);
    if (pid === undefined) throw new Error(`no host ${host}`);
    return pid;
  };
  const running = () =>
    allProcesses().filter((pid) => pid !== init && isIn(namespace, pid) && !isSleepOf(init, pid));
  let settled = new Set(running());
  return {
    folder,
    hosts,
    rsh,
    on: (host, command) => {
      const flags = ['--net', '--uts', '--ipc', '--mount', '--pid'];
      return ['nsenter', '-t', String(pidOf(host)), ...flags, '--', ...command];
    },
    leftovers: () =>
      hosts.flatMap((host) => {
        const root = `/proc/${pidOf(host)}/root`;
        return leftovers([`${root}/dev/shm`, `${root}/tmp`]).map(
          (path) => `${host}:${path.slice(root.length)}`,
        );
      }),
    processes: () => running().filter((pid) => !settled.has(pid)),
    settle: () => (settled = new Set(running())),
    stop,
  };
}

function startInit(folder: string, count: number): ChildProcess {
  const unshare = [
    '--net',
    '--mount',
    '--propagation',
    'private',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
  ];
  // Killed with us: the kernel tells unshare, and that its child.
  const words = [
    '--pdeathsig',
    'KILL',
    '--',
    'unshare',
    ...unshare,
    'sh',
    join(scripts, 'init.sh'),
    folder,
    String(count),
  ];
  return spawn(findCommand('setpriv') ?? 'setpriv', words, {
    cwd: '/',
    env: { PATH: process.env.PATH, ...ownerEnvironment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Waits until nothing runs on the hosts that was not there before the job. */
export async function processesLeftOn(cluster: Cluster): Promise<string[]> {
  const left = await processesLeft(() => cluster.processes(), 5000);
  return left.map((pid) => `${pid}: ${readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`);
}

function childrenOf(pid: number): number[] {
  const text = readText(`/proc/${pid}/task/${pid}/children`).trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

function childOf(pid: number): number | undefined {
  return childrenOf(pid)[0];
}

/** A host's first process says in its environment which host it is. */
function hostOf(pid: number, hosts: readonly string[]): [string, number][] {
  const words = readText(`/proc/${pid}/environ`);
  const name = hosts.find((host) => words.includes(`CLUSTER_HOST=${host}\0`));
  return name === undefined ? [] : [[name, pid]];
}

function isIn(namespace: string, pid: number): boolean {
  try {
    return (
      readlinkSync(`/proc/${pid}/ns/pid`) === namespace &&
      !/^State:\s*[ZX]/m.test(readText(`/proc/${pid}/status`))
    );
  } catch {
    return false;
  }
}

/** The process with which init waits. */
function isSleepOf(init: number, pid: number): boolean {
  return readText(`/proc/${pid}/cmdline`) === 'sleep\x0060\0' && childrenOf(init).includes(pid);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
